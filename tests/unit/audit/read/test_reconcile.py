from dataclasses import replace

import pytest

from audit.read.access_log import Line, Torn
from audit.read.reconcile import MAX_KEPT, Decided, Outcome, Reconciler, Start, Sum, gone

S = 1_000_000
NOW = 100_000 * S
AT = 50_000 * S
LINE = Line("access.log:1", AT, AT + S // 10, "r1", "x1", "allow", "openai", 200, "", 1)
DECIDED = Decided("x1", AT + 1000, "allow", "r1", AT + S // 10)


def compare(lines=(), decisions=(), *, sums=(), starts=(), granted=(), since=0, parts=1) -> Outcome:
    found = Reconciler(NOW, since, starts, sums)
    named = [line for line in lines if found.line(line) and line.exchange]
    nameless = [line.request_id for line in lines if isinstance(line, Line) and not line.exchange]
    for number in range(parts):
        part = found.part()
        for line in named[number::parts]:
            part.line(line)
        for decision in decisions[number::parts]:
            part.decided(decision)
        part.granted(granted)
        part.close(nameless)
    return found.finish()


def breaches(outcome: Outcome) -> list[str]:
    return [found.what for found in outcome.findings if found.breach]


def test_a_line_and_its_decision():
    outcome = compare([LINE], [DECIDED])
    assert outcome.ok
    assert (outcome.lines, outcome.matched) == (1, 1)


def test_a_line_without_a_decision_is_a_breach():
    outcome = compare([LINE])
    assert breaches(outcome) == ["no decision of this exchange is recorded"]
    assert outcome.findings[0].where == "access.log:1"


def test_a_line_of_this_minute_may_be_ahead_of_the_record():
    outcome = compare([replace(LINE, start_us=NOW - S, end_us=NOW)])
    assert outcome.ok
    assert outcome.fresh == 1


def test_something_sent_without_any_exchange_is_a_breach():
    outcome = compare([replace(LINE, exchange="", effect="")])
    assert len(breaches(outcome)) == 1


def test_what_envoy_turned_away_went_nowhere():
    outcome = compare([replace(LINE, exchange="", effect="", attempts=0, status=404, flags="NR")])
    assert outcome.ok
    assert outcome.turned_away == {"NR": 1}


@pytest.mark.parametrize("effect", ["deny", "refused"])
def test_what_was_refused_and_yet_sent_is_a_breach(effect: str):
    line, decision = replace(LINE, effect=effect), replace(DECIDED, effect=effect)
    assert len(breaches(compare([line], [decision]))) == 1
    assert compare([replace(line, attempts=0)], [decision]).ok


def test_what_was_held_needs_a_grant():
    line, decision = replace(LINE, effect="hold"), replace(DECIDED, effect="hold")
    assert breaches(compare([line], [decision])) == ["held, and sent to the upstream without a grant"]
    assert compare([line], [decision], granted=["x1"]).ok
    assert compare([replace(line, attempts=0)], [decision]).ok


def test_two_witnesses_that_disagree():
    assert len(breaches(compare([LINE], [replace(DECIDED, effect="deny")]))) == 1
    assert len(breaches(compare([LINE], [replace(DECIDED, request_id="r2")]))) == 1
    again = compare([LINE, replace(LINE, where="access.log:2")], [DECIDED])
    assert [found.where for found in again.findings] == ["access.log:2"]
    twice = compare([LINE], [DECIDED, DECIDED])
    assert not twice.ok


def test_a_decision_without_a_line_is_a_finding_but_no_breach():
    outcome = compare([], [DECIDED])
    assert not outcome.ok
    assert outcome.breaches == 0


def test_a_decision_without_a_line_is_explained_when_envoy_died_then():
    start = Start(AT + 5 * S, AT + S)
    assert compare([], [DECIDED], starts=[start]).explained == 1
    open_then = replace(DECIDED, ended_us=0, ts_us=AT - 600 * S)
    assert compare([], [open_then], starts=[start]).explained == 1


def test_a_restart_excuses_no_more_than_it_costs():
    start = Start(AT + 600 * S, AT + 599 * S)
    assert not compare([], [DECIDED], starts=[start]).ok, "Envoy was seen alive long after this ended"
    later = replace(LINE, exchange="x2", end_us=AT + 500 * S)
    unseen = Start(AT + 600 * S, 0)
    assert not compare([later], [DECIDED, replace(DECIDED, exchange="x2")], starts=[unseen]).ok
    before = Start(AT - 5 * S, AT - 6 * S)
    assert not compare([], [DECIDED], starts=[before]).ok


def test_a_line_of_the_next_envoy_shortens_no_gap():
    """Its start is known to a second: 0.6 s before that, it had already written a line."""
    start = Start(AT + 5 * S, AT + S)
    early = replace(LINE, exchange="x2", end_us=AT + 5 * S - 600_000)
    assert compare([early], [DECIDED, replace(DECIDED, exchange="x2")], starts=[start]).explained == 1


def test_a_caller_that_left_before_the_answer():
    line = replace(LINE, exchange="", effect="", attempts=0, status=0, flags="DC")
    outcome = compare([line], [DECIDED])
    assert outcome.ok
    assert outcome.left == 1


def test_an_exchange_that_goes_on():
    assert compare([], [replace(DECIDED, ts_us=NOW - 1800 * S, ended_us=0)]).open == 1
    assert not compare([], [replace(DECIDED, ts_us=NOW - 7200 * S, ended_us=0)]).ok


def test_refusals_of_strangers_are_covered_by_their_sums_and_no_more():
    lines = [replace(LINE, exchange=f"s{n}", effect="refused", attempts=0, status=401) for n in range(4)]
    told = Sum("openai", 401, AT, AT + 9 * S, 3)
    outcome = compare(lines, [], sums=[told])
    assert outcome.summed == 3
    assert [found.breach for found in outcome.findings] == [False]
    assert compare(lines[:3], [], sums=[replace(told, connection="other")]).summed == 0
    assert compare(lines[:3], [], sums=[replace(told, first_us=AT + 60 * S, last_us=AT + 70 * S)]).summed == 0


def test_half_lines_are_as_many_as_envoys_that_died():
    assert not compare([Torn("access.log:9")]).ok
    assert compare([Torn("access.log:9")], starts=[Start(AT, AT - S)]).ok


def test_decisions_older_than_the_log_are_not_compared():
    assert compare([], [DECIDED], since=AT + S).ok


def test_lines_older_than_the_log_claims_to_be_whole_still_count():
    assert len(breaches(compare([LINE], since=AT + S))) == 1
    found = Reconciler(NOW, 0, lines_from_us=AT + S)
    assert not found.line(LINE)


def test_lines_ask_for_decisions_that_are_older_than_the_question():
    part = Reconciler(NOW, 0).part()
    part.line(LINE)
    assert part.unknown() == ["x1"]
    part.decided(DECIDED)
    assert part.unknown() == []


def test_parts_find_what_one_part_finds():
    lines = [
        replace(LINE, exchange=f"x{n}", request_id=f"r{n}", effect="allow" if n % 7 else "deny") for n in range(60)
    ]
    decisions = [replace(DECIDED, exchange=f"x{n}", request_id=f"r{n}") for n in range(60)]
    once, often = compare(lines, decisions), compare(lines, decisions, parts=6)
    assert (once.matched, once.breaches, once.total) == (often.matched, often.breaches, often.total) == (60, 9, 9)
    assert once.findings == often.findings


def test_a_file_that_was_changed_after_it_was_put_aside_is_named():
    found = Reconciler(NOW, 0)
    found.altered("access.log-20261129T110000Z")
    outcome = found.finish()
    assert not outcome.ok
    assert [item.where for item in outcome.findings] == ["access.log-20261129T110000Z"]


def test_a_file_that_was_put_aside_is_there_or_was_removed_by_us():
    aside = {"log-1": "x", "log-2": "y", "log-3": "z"}
    assert gone(aside, {"log-1"}, {"y"}) == ["log-3"]
    found = Reconciler(NOW, 0)
    found.missing("log-3")
    assert not found.finish().ok


@pytest.mark.parametrize(("removed", "there"), [(set(), {"x"}), ({"log-2"}, set())])
def test_a_crash_gives_one_file_two_names(removed: set[str], there: set[str]):
    assert gone({"log-1": "x", "log-2": "x"}, removed, there) == []


def test_a_forged_log_fills_no_memory():
    outcome = compare([replace(LINE, exchange="", effect="", where=str(n)) for n in range(MAX_KEPT + 5)])
    assert len(outcome.findings) == MAX_KEPT
    assert outcome.total == outcome.breaches == MAX_KEPT + 5
