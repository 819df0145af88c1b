"""What the API takes and gives. Inputs are closed: an unknown field is refused; rows of the record are open."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# no control characters: none of what is asked for has any
Word = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
Text = Annotated[str, StringConstraints(max_length=200_000)]
When = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9A-Za-z:+.\-]*$")]
Limit = Annotated[int, Field(ge=1, le=1000)]


class Given(BaseModel):
    """An input."""

    model_config = ConfigDict(extra="forbid")


class Row(BaseModel):
    """A row of the record: these columns at least; times are ISO 8601 in UTC with microseconds."""

    model_config = ConfigDict(extra="allow")


class Refusal(BaseModel):
    error: str = Field(description="A stable code.")
    message: str = Field(description="A sentence for people.")


class Me(BaseModel):
    issuer: str
    subject: str
    email: str
    roles: list[str]


class NarrowedBy(Given):
    effect: Literal["", "allow", "deny", "hold", "refused"] = ""
    subject: Word = ""
    agent: Word = ""
    connection: Word = ""
    session: Word = ""
    since: When = Field("7d", description="From then on: 90m, 2d, 2026-11-20, 2026-11-20T12:00.")
    until: When = Field("", description="Before then.")
    limit: Limit = 50


class Decision(Row):
    ts: str
    exchange: str
    effect: str
    agent: str
    connection: str
    rules: list[str]
    session: str


class Decisions(BaseModel):
    decisions: list[Decision]


class Explanation(Decision):
    input: dict[str, Any] | None = Field(description="What the rules saw; null when pruned or never recorded.")
    input_matches_hash: bool | None
    approvals: list[dict[str, Any]]
    again: dict[str, Any] | None = Field(description="The same input decided once more.")


class Session(Row):
    session: str
    agent: str
    started_at: str
    last_at: str
    exchanges: int


class SessionList(BaseModel):
    sessions: list[Session]


class SessionOf(BaseModel):
    session: str
    exchanges: list[dict[str, Any]]


class OneExchange(Given):
    exchange: Word = Field("", description="Only this exchange of the session.")


class Piece(BaseModel):
    play_us: int
    text: str


class Line(BaseModel):
    number: int
    exchange: str
    tone: str = Field(description="allow, deny, hold, mask, fact; request, response for what was said.")
    at_us: int = Field(description="Recorded, from the start of the session.")
    play_us: int = Field(description="In a play at speed 1, long pauses shortened.")
    title: str
    skipped_us: int
    pieces: list[Piece]


class Replay(BaseModel):
    session: str
    length_us: int
    lines: list[Line]


class Finished(Given):
    finished: bool = Field(False, description="Also what ended within the last day.")


class Approval(Row):
    id: str
    state: str
    action: str
    connection: str
    agent: str
    expires_us: int


class Approvals(BaseModel):
    approvals: list[Approval]


class Shown(Approval):
    shown_digest: str = Field(description="Of what was shown; an answer names it.")
    shown_media: str
    shown: str = Field(description="Masked with the floor profile.")


class Answer(Given):
    shown_digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    justification: Annotated[str, StringConstraints(max_length=2000)] = ""


class InAdvance(Given):
    """A standing grant beside this one, within the policy's bounds; without `seconds`, for all that it allows."""

    uses: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    seconds: Annotated[int, Field(ge=0, le=31_622_400)] = 0
    action: Word = Field("", description="A pattern, e.g. `POST /ledger/*/notes`; just this action if empty.")


class Grant(Answer):
    masking: Annotated[list[Word], Field(max_length=10)] = Field([], description="Also mask the answer by these.")
    max_response_bytes: Annotated[int, Field(ge=0, le=1 << 40)] = Field(0, description="Let at most so much come back.")
    standing: InAdvance | None = None


class Emergency(Answer):
    uses: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    seconds: Annotated[int, Field(ge=0, le=31_622_400)] = 0
    action: Word = ""


class Ended(Given):
    ended: bool = Field(False, description="Also what covers nothing any more.")


class Standing(Row):
    id: str
    state: str
    break_glass: bool
    action: str
    uses_left: int
    until_us: int
    owes_review: bool


class Standings(BaseModel):
    standing: list[Standing]


class Words(Given):
    words: Annotated[str, StringConstraints(max_length=2000)] = ""


class Lifted(Given):
    lifted: bool = Field(False, description="Also what was lifted.")


class Revoke(Given):
    scope: Literal["subject", "agent", "session", "jti"]
    value: Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
    issuer: Word = Field("", description="Only names of this issuer; any if empty.")
    reason: Annotated[str, StringConstraints(max_length=2000)]


class Revocation(Row):
    id: str
    active: bool
    scope: str
    value: str
    reason: str
    by: str
    at_us: int


class Revocations(BaseModel):
    revocations: list[Revocation]


class LegalHold(Row):
    id: str
    reason: str
    scope: dict[str, str]
    active: bool


class LegalHolds(BaseModel):
    legal_holds: list[LegalHold]


class Keep(Given):
    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    subject: Word = ""
    agent: Word = ""
    connection: Word = ""
    session: Word = ""
    exchange: Word = ""
    since: When = ""
    until: When = ""


class Kept(BaseModel):
    id: str


class Snapshots(BaseModel):
    serving: str = Field(description="Its digest in hex; empty before the first.")
    kept: list[str]


class Files(BaseModel):
    digest: str
    files: dict[str, str]


class Cases(Given):
    case: Text = Field(description="YAML as in cases/*.yaml.")


class Tried(BaseModel):
    tried: list[dict[str, Any]]


class BacktestOf(Given):
    since: When = "7d"
    agent: Word = ""
    connection: Word = ""
    file: Word = Field("", description="Change this file first …")
    text: Text = Field("", description="… to this.")


class Backtest(BaseModel):
    snapshot: str
    decided: int
    same: int
    same_by_other_rules: int
    changed: int
    turns: dict[str, int]
    by_rule: dict[str, int]
    by_identity: dict[str, int]
    changes: list[dict[str, Any]]


class ToMask(Given):
    text: Text
    profiles: Annotated[list[Word], Field(min_length=1, max_length=10)] = ["floor"]
    media: Literal["", "text/plain", "application/json", "text/event-stream", "application/x-ndjson", "text/csv"] = ""


class Masked(BaseModel):
    masked: str
    findings: list[dict[str, Any]]


class Connections(BaseModel):
    connections: list[dict[str, Any]]


class Verification(BaseModel):
    ok: bool | None = Field(description="null: it could not be found out.")
    lines: list[str]
    report: dict[str, Any] | None


class Questions(BaseModel):
    questions: list[dict[str, Any]]


class Sql(Given):
    sql: Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
    limit: Limit = 1000


class Parameters(Given):
    parameters: Annotated[dict[Word, Word], Field(max_length=20)] = {}
    limit: Limit = 1000


class Rows(BaseModel):
    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    more: bool
