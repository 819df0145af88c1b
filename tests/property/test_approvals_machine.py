"""Laws of an approval, over any story that anybody could tell."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from approvals.book import Book
from approvals.facts import Card, Fact, State, Vote, Voter
from approvals.machine import TABLE, Approval, apply, decide, fold, request
from approvals.steps import Consume, Grant, Leave, Refuse, Return, Revoke, Step, Tick
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask

GROUPS = ("a", "b")
EXCHANGES = st.sampled_from(["exchange-1", "exchange-2", "exchange-3"])
SECONDS = st.integers(0, 200)
TERMS = st.builds(
    ApprovalTerms,
    any=st.sampled_from([(), ("a",), ("a", "b")]),
    all=st.sampled_from([("b",), ("a", "b")]),
    quorum=st.integers(1, 3),
    expires_s=st.sampled_from([50, 150]),
    wait=st.sampled_from(["hold", "respond"]),
    justification=st.sampled_from(["none", "required"]),
)
VOTES = st.builds(
    Vote,
    st.builds(
        Voter,
        st.just("people"),
        st.sampled_from(["p1", "p2", "p3", "p4"]),
        st.just(""),
        st.sampled_from([("a",), ("b",), GROUPS]),
    ),
    st.sampled_from([ask().shown.digest] * 3 + ["0" * 64]),
    st.sampled_from(["because", ""]),
)
BINDINGS = st.builds(
    lambda exchange, digest: replace(ask(received_digest=digest).binding, exchange=exchange),
    EXCHANGES,
    st.sampled_from(["a" * 64] * 3 + ["f" * 64]),
)


def steps_at(at_us: int) -> st.SearchStrategy[Step]:
    at = st.just(at_us)
    return st.one_of(
        st.builds(Return, at, EXCHANGES),
        st.builds(Leave, at, EXCHANGES),
        st.builds(Grant, at, VOTES),
        st.builds(Refuse, at, VOTES),
        st.builds(Consume, at, BINDINGS),
        st.builds(Revoke, at),
        st.builds(Tick, at),
    )


STORIES = st.lists(SECONDS, max_size=12).flatmap(
    lambda seconds: st.tuples(*(steps_at(1_000_000 * second) for second in sorted(seconds)))
)


def told(terms: ApprovalTerms, story: tuple[Step, ...]) -> list[tuple[Fact, Approval]]:
    """Each fact with the approval that it makes."""
    first = request("a1", Card.of(ask(terms=terms)), 0)
    approval = fold([first])
    life: list[tuple[Fact, Approval]] = [(first, approval)]
    for step in story:
        for fact in decide(approval, step).facts:
            approval = apply(approval, fact)
            life.append((fact, approval))
    return life


@given(TERMS, STORIES)
def test_a_final_state_never_changes(terms: ApprovalTerms, story: tuple[Step, ...]) -> None:
    states = [approval.state for _, approval in told(terms, story)]
    finals = [place for place, state in enumerate(states) if state.final]
    assert finals in ([], [len(states) - 1]), "nothing follows an end"


@given(TERMS, STORIES)
def test_folding_twice_is_folding_once(terms: ApprovalTerms, story: tuple[Step, ...]) -> None:
    life = told(terms, story)
    facts = [fact for fact, _ in life]
    assert fold(facts) == life[-1][1]
    assert fold(facts + facts) == fold(facts)
    for place in range(1, len(facts)):
        assert fold(facts[place:], fold(facts[:place])) == fold(facts), "also from any place on"


@given(TERMS, STORIES)
def test_used_needs_a_grant_and_happens_once(terms: ApprovalTerms, story: tuple[Step, ...]) -> None:
    types = [fact.type for fact, _ in told(terms, story)]
    assert types.count("used") <= 1
    if "used" in types:
        assert "granted" in types[: types.index("used")]
        assert "refused" not in types


@given(TERMS, STORIES)
def test_a_grant_is_of_distinct_people_and_in_time(terms: ApprovalTerms, story: tuple[Step, ...]) -> None:
    for fact, approval in told(terms, story):
        people = [vote.voter.subject for vote in approval.votes]
        assert len(people) == len(set(people))
        if fact.type == "granted":
            seats = len(terms.all) + terms.quorum if terms.any else max(len(terms.all), terms.quorum)
            assert len(people) >= seats
        if fact.type not in ("expired", "withdrawn"):
            assert fact.at_us < approval.expires_us


@given(TERMS, STORIES)
def test_an_open_approval_always_has_a_deadline_ahead(terms: ApprovalTerms, story: tuple[Step, ...]) -> None:
    for _, approval in told(terms, story):
        deadline = approval.deadline_us
        assert (deadline is None) == approval.state.final
        if deadline is not None:
            ended = decide(approval, Tick(deadline))
            assert fold(ended.facts, approval).state in (State.EXPIRED, State.WITHDRAWN)


@given(TERMS, STORIES)
def test_a_refused_step_changes_nothing_beyond_what_time_brought(terms: ApprovalTerms, story: tuple[Step, ...]) -> None:
    approval = told(terms, ())[-1][1]
    for step in story:
        decided = decide(approval, step)
        if decided.why is not None:
            assert {fact.type for fact in decided.facts} <= {"expired", "withdrawn"}
        approval = fold(decided.facts, approval)
        assert approval.phase in TABLE


@given(TERMS, STORIES, st.integers(0, 12))
def test_a_group_of_steps_equals_the_same_steps_one_by_one(
    terms: ApprovalTerms, story: tuple[Step, ...], cut: int
) -> None:
    single, grouped = Book((), 10), Book((), 10)
    single.request(ask(terms=terms), 0, "a1")
    single.settle()
    grouped.request(ask(terms=terms), 0, "a1")
    for place, step in enumerate(story):
        single.step("a1", step)
        single.settle()
        if place == cut:
            grouped.settle()
        grouped.step("a1", step)
    grouped.settle()
    assert single.open() == grouped.open()
