"""What the views make of events, in the real engine."""

from collections.abc import Iterator

import pytest

from audit.read.questions import named
from audit.store.client import auditor_client, writer_client
from tests.kit.evidence import Record, alone, decision
from tests.kit.store import RunningStore, running


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running(tmp_path_factory.mktemp("store")) as started:
        yield started


def test_what_was_lost_and_ended_after_all_counts_once(store: RunningStore) -> None:
    """And what never ended counts as what left; the minutes' sums, which cannot look back, have what ended."""
    left = {"outcome": "lost", "charged": {"requests": 1, "input_tokens": 9, "request_bytes": 7}}
    used = {"requests": 1, "input_tokens": 12, "output_tokens": 40, "rows": 3, "estimated": False}
    end = {"outcome": "cut", "request_bytes": 7, "response_bytes": 50, "usage": used}
    record = Record(session="lost-and-found", seq=500)
    for type_, exchange, data in (
        ("exchange.lost", "came-back", left),
        ("exchange.lost", "gone", left),
        ("exchange.end", "came-back", end),
    ):
        record.event(type_, exchange, 1_000, data, agent="losing-agent")
    with writer_client(store.settings) as client:
        record.insert(client)
    sums = "sum(let_out), sum(input_tokens), sum(output_tokens), sum(request_bytes), sum(rows), sum(estimated)"
    answer = store.ask(f"SELECT {sums} FROM audit.usage WHERE session = 'lost-and-found'")
    assert answer.body == b"2\t21\t40\t14\t3\t1\n", "an end takes the place of the loss"
    sums = "sum(input_tokens), sum(output_tokens), sum(request_bytes), sum(rows)"
    answer = store.ask(f"SELECT {sums} FROM audit.usage_minutes WHERE agent = 'losing-agent'")
    assert answer.body == b"12\t40\t7\t3\n"


def test_a_session_lasts_until_its_last_exchange_ended(store: RunningStore) -> None:
    record = Record(session="lasting", seq=600)
    record.event("decision.allow", "e", 0, {"effect": "allow"}, effect="allow")
    record.event("exchange.end", "e", 5_000_000, {"outcome": "answered"})
    with writer_client(store.settings) as client:
        record.insert(client)
    lasted = "dateDiff('second', started_at, last_at)"
    sql = f"SELECT {lasted}, exchanges, allowed FROM audit.sessions WHERE session = 'lasting'"
    assert store.ask(sql).body == b"5\t1\t1\n"


@pytest.fixture(scope="module")
def granted_alone(store: RunningStore) -> RunningStore:
    with writer_client(store.settings) as client:
        alone().insert(client)
    return store


def ask(store: RunningStore, name: str, **given: str) -> list[dict[str, object]]:
    span = {"since": "2026-11-20", "until": "2026-11-21"}
    names = {parameter.name for parameter in named(name).parameters}
    question = named(name).bind({key: text for key, text in span.items() if key in names} | given, 0)
    with auditor_client(store.settings) as client:
        found = client.query(question.sql, parameters=dict(question.parameters))
        return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]


def test_a_standing_grant_is_one_row(granted_alone: RunningStore) -> None:
    first, second = ask(granted_alone, "standing")
    kept = ("standing", "alone", "given_by", "reason", "uses", "taken", "state", "reviewed_by")
    erin, words = ["erin@bank.example"], "payments are down"
    assert [first[name] for name in kept] == ["st-1", 1, erin, words, 2, 1, "spent", "frank@bank.example"]
    both = [*erin, "grace@bank.example"]
    assert [second[name] for name in kept] == ["st-2", 0, both, words, 2, 0, "active", ""]


def test_break_glass_is_every_exchange_that_one_person_let_go_alone(granted_alone: RunningStore) -> None:
    rows = ask(granted_alone, "break-glass")
    assert [(row["exchange"], row["given_by"], row["reviewed_by"]) for row in rows] == [
        ("first", ["erin@bank.example"], "frank@bank.example"), ("second", ["erin@bank.example"], "frank@bank.example"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("person", "states"),
    [
        ("erin@bank.example", ["granted", "granted", "standing.break_glass", "standing.given"]),
        ("grace", ["standing.given"]),
        ("frank@bank.example", ["standing.reviewed"]),
        ("nobody", []),
    ],
)
def test_what_one_person_granted_in_advance_or_alone_is_theirs(
    granted_alone: RunningStore, person: str, states: list[str]
) -> None:
    assert sorted(str(row["state"]) for row in ask(granted_alone, "approvals-by", person=person)) == states


def test_a_revocation_of_a_token_or_an_agent_of_theirs_is_found_by_their_requests(store: RunningStore) -> None:
    record = Record(session="rita-1", seq=700)
    made = decision("allow", 200, "rule", "words")
    made["identity"] = {"email": "rita@bank.example", "groups": [], "jti": "token-of-rita", "act": []}
    record.event("decision.allow", "rita-exchange", 0, made, agent="agent-of-rita", effect="allow")
    hers = [
        ("jti", "token-of-rita"),
        ("agent", "agent-of-rita"),
        ("session", "rita-1"),
        ("subject", "rita@bank.example"),
    ]
    for scope, value in [*hers, ("session", "token-of-rita"), ("jti", "of somebody else")]:
        data = {"scope": scope, "value": value, "reason": "gone", "by": {"email": "boss@bank.example"}}
        record.event("identity.revoked", "", 1_000, data, agent="")
    with writer_client(store.settings) as client:
        record.insert(client)
    found = ask(store, "revocations-of", person="rita@bank.example")
    assert {(row["scope"], row["value"], row["by"]) for row in found} == {(*each, "boss@bank.example") for each in hers}
