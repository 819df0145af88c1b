"""From frames and facts to a timeline."""

import json

import pytest

from audit.read.timeline import Frame, Moment, Note, timeline

START = 1_700_000_000_000_000


def frame(at_us: int, index: int = 0, direction: str = "response", exchange: str = "x") -> Frame:
    return Frame(exchange, direction, index, START + at_us, "text/plain", b"")


def note(at_us: int, text: str = "") -> Note:
    return Note(START + at_us, "x", "decision.allow", text)


def played(*steps: Frame | Note, **options) -> list[Moment]:
    frames = [step for step in steps if isinstance(step, Frame)]
    return list(timeline(frames, [step for step in steps if isinstance(step, Note)], **options))


def test_nothing_plays_nothing():
    assert played() == []


def test_waits_are_what_was_recorded():
    moments = played(frame(0), frame(250_000, 1), frame(1_000_000, 2))
    assert [moment.wait_us for moment in moments] == [0, 250_000, 750_000]
    assert [moment.offset_us for moment in moments] == [0, 250_000, 1_000_000]


@pytest.mark.parametrize(("speed", "waits"), [(2, [0, 500_000]), (0.5, [0, 2_000_000]), (1000, [0, 1000])])
def test_speed_divides_the_waits_and_not_the_offsets(speed: float, waits: list[int]):
    moments = played(frame(0), frame(1_000_000, 1), speed=speed)
    assert [moment.wait_us for moment in moments] == waits
    assert moments[1].offset_us == 1_000_000


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_none(speed: float):
    with pytest.raises(ValueError, match="speed"):
        played(frame(0), speed=speed)


def test_long_silence_is_shortened_and_says_by_how_much():
    moments = played(frame(0), frame(60_000_000, 1), speed=2, idle_us=3_000_000)
    assert (moments[1].wait_us, moments[1].skipped_us) == (3_000_000, 54_000_000)
    assert played(frame(0), frame(60_000_000, 1), idle_us=None)[1].wait_us == 60_000_000


def test_at_the_same_time_facts_then_requests_then_responses_in_their_order():
    last, first = frame(0, 1), frame(0, 0)
    request, fact = frame(0, 7, "request"), note(0)
    assert [moment.what for moment in played(last, first, request, fact)] == [fact, request, first, last]


def test_time_decides_before_everything_else():
    early, late = frame(1, 9), note(2)
    assert [moment.what for moment in played(late, early)] == [early, late]


@pytest.mark.parametrize(
    ("type_", "event", "line"),
    [
        ("decision.deny", {"caller": {"agent": "a"}, "data": {"method": "GET", "path": "/p",
         "reasons": [{"rule": "r", "message": "no"}]}}, "deny a GET /p: no (r)"),
        ("decision.refused", {"data": {}}, "refused an unknown caller  "),
        ("approval.granted", {"data": {"approver": {"email": "e@x", "subject": "s"}, "justification": "ok"}},
         "approval granted by e@x: ok"),
        ("approval.expired", {"data": {}}, "approval expired"),
        ("masking.applied",
         {"data": {"direction": "response", "findings": [{"rule": "ssn", "count": 2}, {"rule": "pan"}]}},
         "masked in the response: 2 x ssn, 1 x pan"),
        ("exchange.end", {"data": {"outcome": "answered", "status": 200}}, "ended answered, status 200"),
        ("something.new", {}, "something.new"),
    ],
)  # fmt: skip
def test_a_fact_is_one_line(type_: str, event: dict, line: str):
    assert Note.of(1, "x", type_, json.dumps(event)).text == line


@pytest.mark.parametrize("body", ["", "[]", "null", "{", '{"data":{}}'])
def test_a_body_that_tells_nothing_still_has_its_type(body: str):
    assert Note.of(1, "x", "lifecycle.start", body).text == "lifecycle.start"
