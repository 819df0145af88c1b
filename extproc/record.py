"""What this room says to the evidence: frames with what was let go, what masking did, how the exchange ended. Pure.

`frame.recorded`    {direction, media, inspected, bytes} with the masked content as frames; where content could not be
                    inspected there is no frame, and `sha256` of the piece instead; {base, prefix, suffix} where a
                    request shares frames with an earlier one of its session (extproc/resent.py)
`masking.applied`   {direction, findings: [{rule, version, operator, where, count, token}]}
`masking.forwarded` {direction, received_digest, forwarded_digest, profiles, findings}: the request was changed
`tools.hidden`      {direction, tools}: taken out of a request, or of an MCP server's list
`tools.seen`        {new, changed: [{tool, before, now}]}: definitions that were not known so, by digest
`server.request`    {method, passed}: what an MCP server asked of its client
`exchange.end`      {status, request_bytes, response_bytes, outcome, code, restored, revocation, usage}
                    usage: {requests, input_tokens, output_tokens, rows, values, estimated}, as the counters have it
Each spans the exchange so far, from its beginning until what it speaks of; the last one all of it.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from audit.write.event import Caller, Draft, Frame, Kind, Span, Value, shortened
from extproc.flow import Piece
from extproc.hiding import Seen
from extproc.resent import Shared, pieces
from masking import Finding
from runtime.clock_quality import Quality
from snapshot.verdict import Verdict
from usage.definitions import Definition

FRAME_BYTES = 256 << 10  # larger content is several frames (a frame is one row of the store)
FRAMES_PER_EVENT = 100  # about 200 bytes each in the event's body, which holds at most 60,000
FINDINGS_PER_EVENT = 60
NAMES_PER_EVENT = 60  # of tools
NAME_CHARS = 128
MOST_TOKENS = 10_000  # distinct values of one exchange that are told apart
WHERE_CHARS = 300  # a path into a document; longer ones are cut


class Outcome(StrEnum):
    ANSWERED = "answered"  # the upstream's answer went out whole
    LOCAL_REPLY = "local_reply"  # Envoy answered by itself: the upstream failed, or was never asked
    REFUSED = "refused"  # we answered instead
    CUT = "cut"  # ended by us after a part of the answer had gone
    CLIENT_GONE = "client_gone"


@dataclass(slots=True)
class Exchange:
    """What is known of the exchange so far. `verdict` is None only for local replies outside of any exchange."""

    verdict: Verdict | None = None
    method: str = ""
    path: str = ""
    started_us: int = 0
    now_us: int = 0  # when what is recorded next happened, on the same clock that never goes back
    status: int = 0
    request_bytes: int = 0
    response_bytes: int = 0  # let go to the caller
    max_response_bytes: int = 0  # what an approver let come back; 0: no limit
    request_frames: int = 0
    response_frames: int = 0
    revocation: str = ""  # the id of the one that ended it
    upstream_status: int = 0  # of the answer that came, whatever we made of it
    sent: bool = False  # the request was let go
    ended: bool = False
    clock: Quality | None = None  # of the wall clock
    tokens: set[str] = field(default_factory=set, repr=False)  # keyed, of the values that masking saw
    restored: int = 0  # tokens that were turned back in the answer, after it was recorded

    @property
    def id(self) -> str:
        return self.verdict.exchange if self.verdict else ""

    @property
    def kind(self) -> str:
        return self.verdict.kind if self.verdict else ""

    def draft(self, kind: Kind, type_: str, data: dict[str, Value], frames: tuple[Frame, ...] = ()) -> Draft:
        verdict = self.verdict
        if verdict is None:
            raise ValueError("nothing is recorded outside of an exchange")
        caller = Caller(verdict.issuer, verdict.subject, verdict.agent)
        names = (verdict.exchange, verdict.session, verdict.connection)
        return Draft(kind, type_, *names, caller=caller, data=data, frames=frames, span=self.span)

    @property
    def span(self) -> Span:
        return Span(self.started_us, max(0, self.now_us - self.started_us), self.clock)


def request_parts(media: str, masked: bytes) -> list[bytes]:
    """The request as frames: a conversation message by message, so that what is sent again can be named."""
    parts = pieces(media, masked)
    return [part[at : at + FRAME_BYTES] for part in parts for at in range(0, len(part), FRAME_BYTES)]


def request_content(
    exchange: Exchange, media: str, parts: Sequence[bytes], now_us: int, shared: Shared | None = None
) -> list[Draft]:
    """The request as it may be stored: masked with the floor profile, without the frames that another one has."""
    own = parts[shared.prefix : len(parts) - shared.suffix] if shared else parts
    drafts = _frames(exchange, "request", media, [Piece(now_us, part) for part in own], exchange.request_frames)
    if shared and not drafts:  # nothing is new
        facts: dict[str, Value] = {"direction": "request", "media": media, "inspected": True, "bytes": 0}
        drafts = [exchange.draft(Kind.FRAME, "frame.recorded", facts)]
    if shared:
        lent: dict[str, Value] = {"base": shared.base, "prefix": shared.prefix, "suffix": shared.suffix}
        drafts[0] = replace(drafts[0], data={**drafts[0].data, **lent})
    exchange.request_frames += sum(len(draft.frames) for draft in drafts)
    return drafts


def response_content(exchange: Exchange, media: str, pieces: Sequence[Piece]) -> list[Draft]:
    """The answer exactly as it is let go: floor and the verdict's profiles."""
    drafts = _frames(exchange, "response", media, pieces, exchange.response_frames)
    exchange.response_frames += sum(len(draft.frames) for draft in drafts)
    return drafts


def unread(exchange: Exchange, direction: str, media: str, pieces: Iterable[bytes]) -> list[Draft]:
    """Content that cannot be inspected: size and hash of each batch, no frame."""
    data = b"".join(pieces)
    if not data:
        return []
    facts: dict[str, Value] = {"direction": direction, "media": media, "inspected": False, "bytes": len(data)}
    facts["sha256"] = hashlib.sha256(data).hexdigest()
    return [exchange.draft(Kind.FRAME, "frame.recorded", facts)]


def _frames(exchange: Exchange, direction: str, media: str, pieces: Iterable[Piece], first: int) -> list[Draft]:
    parts = [
        (piece.at_us, piece.data[at : at + FRAME_BYTES])
        for piece in pieces
        for at in range(0, len(piece.data), FRAME_BYTES)
    ]
    frames = [Frame(first + index, at, direction, media, data) for index, (at, data) in enumerate(parts)]
    drafts = []
    for at in range(0, len(frames), FRAMES_PER_EVENT):
        group = tuple(frames[at : at + FRAMES_PER_EVENT])
        size = sum(len(frame.content) for frame in group)
        facts: dict[str, Value] = {"direction": direction, "media": media, "inspected": True, "bytes": size}
        drafts.append(exchange.draft(Kind.FRAME, "frame.recorded", facts, group))
    return drafts


def applied(exchange: Exchange, direction: str, findings: Sequence[Finding]) -> list[Draft]:
    """What masking found and did; never the value."""
    seen = {finding.token for finding in findings if finding.token}
    exchange.tokens.update(seen if len(exchange.tokens) < MOST_TOKENS else ())
    listed: list[Value] = [_finding(finding) for finding in findings]
    groups = [listed[at : at + FINDINGS_PER_EVENT] for at in range(0, len(listed), FINDINGS_PER_EVENT)]
    return [
        exchange.draft(Kind.MASKING, "masking.applied", {"direction": direction, "findings": group}) for group in groups
    ]


def forwarded(exchange: Exchange, digest: str, findings: Sequence[Finding]) -> list[Draft]:
    """The request was changed: `digest` is of the bytes that go on. Both digests stand in each of the events."""
    verdict = exchange.verdict
    assert verdict is not None
    facts: dict[str, Value] = {
        "received_digest": verdict.request_digest,
        "forwarded_digest": digest,
        "profiles": list(verdict.request_masking),
    }
    drafts = applied(exchange, "request", findings) or [
        exchange.draft(Kind.MASKING, "masking.forwarded", {"direction": "request", "findings": []})
    ]
    return [replace(draft, type="masking.forwarded", data={**draft.data, **facts}) for draft in drafts]


def _finding(finding: Finding) -> dict[str, Value]:
    return {
        "rule": finding.rule,
        "version": finding.version,
        "operator": finding.operator,
        "where": shortened(finding.where, WHERE_CHARS),
        "count": finding.count,
        "token": finding.token,
    }


def tools(exchange: Exchange, direction: str, hidden: Sequence[str]) -> Draft:
    """`hidden`: names, masked."""
    names: Value = [shortened(name, NAME_CHARS) for name in hidden[:NAMES_PER_EVENT]]
    data: dict[str, Value] = {"direction": direction, "tools": names, "count": len(hidden)}
    return exchange.draft(Kind.EXCHANGE, "tools.hidden", data)


def listed(
    exchange: Exchange, seen: Seen, before: Mapping[str, Definition | None], masked: Callable[[str], str]
) -> list[Draft]:
    """`before`: of each definition that is new or another, what was known of it. Names come from the server."""
    drafts = [tools(exchange, "response", [masked(name) for name in seen.hidden])] if seen.hidden else []
    changes = list(before.items())
    for at in range(0, len(changes), NAMES_PER_EVENT):
        part = changes[at : at + NAMES_PER_EVENT]
        new: Value = [
            {"tool": shortened(masked(t), NAME_CHARS), "now": seen.definitions[t]} for t, known in part if known is None
        ]
        changed: Value = [
            {
                "tool": shortened(masked(t), NAME_CHARS),
                "first": known.first,
                "before": known.last,
                "now": seen.definitions[t],
            }
            for t, known in part
            if known is not None
        ]
        drafts.append(exchange.draft(Kind.EXCHANGE, "tools.seen", {"new": new, "changed": changed}))
    for method, passed in seen.requests:
        facts: dict[str, Value] = {"method": shortened(masked(method), NAME_CHARS), "passed": passed}
        drafts.append(exchange.draft(Kind.EXCHANGE, "server.request", facts))
    return drafts


def ended(exchange: Exchange, outcome: Outcome, code: str = "", usage: Mapping[str, Value] | None = None) -> Draft:
    """The last word on an exchange. `code` says why, where it did not end by itself."""
    facts: dict[str, Value] = {
        "status": exchange.status,
        "request_bytes": exchange.request_bytes,
        "response_bytes": exchange.response_bytes,
        "outcome": str(outcome),
    }
    if usage:
        facts["usage"] = usage
    if exchange.restored:
        facts["restored"] = exchange.restored
    if code:
        facts["code"] = code
    if exchange.revocation:
        facts["revocation"] = exchange.revocation
    return exchange.draft(Kind.EXCHANGE, "exchange.end", facts)
