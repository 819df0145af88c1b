"""From moments to lines that a page shows and a player plays."""

import json

from audit.read.story import story, tone_of
from audit.read.timeline import Frame, Note, timeline


def delta(text: str) -> bytes:
    return f"data: {json.dumps({'type': 'content_block_delta', 'delta': {'text': text}})}\n\n".encode()


def frame(at_us: int, text: str, index: int = 0, exchange: str = "e") -> Frame:
    return Frame(exchange, "response", index, at_us, "text/event-stream", delta(text))


def test_a_stream_is_one_line_of_pieces_and_maskings_stand_beside_it() -> None:
    facts = ((1, "decision.hold"), (3, "masking.response"), (5, "exchange.end"))
    notes = [Note(at, "e", type_, type_) for at, type_ in facts]
    told = story(timeline([frame(2, "one "), frame(4, "two", 1)], notes))
    assert [(line.number, line.tone) for line in told.lines] == [(1, "hold"), (2, "response"), (3, "mask"), (4, "fact")]
    assert [(piece.play_us, piece.text) for piece in told.lines[1].pieces] == [(1, "one "), (3, "two")]
    assert told.length_us == 4
    assert [line.number for line in told.marks("hold", "mask")] == [1, 3]


def test_another_fact_or_exchange_begins_a_new_line() -> None:
    told = story(timeline([frame(1, "a"), frame(2, "b", exchange="f"), frame(3, "c", 1)]))
    assert [(line.exchange, line.pieces[0].text) for line in told.lines] == [("e", "a"), ("f", "b"), ("e", "c")]


def test_silence_is_shortened_in_the_play_and_said() -> None:
    told = story(timeline([], [Note(0, "e", "decision.allow", "a"), Note(60_000_000, "e", "exchange.end", "b")]))
    assert told.lines[1].play_us == 3_000_000
    assert (told.lines[1].at_us, told.lines[1].skipped_us) == (60_000_000, 57_000_000)


def test_what_never_became_whole_is_told_at_the_end() -> None:
    told = story(timeline([Frame("e", "request", 0, 1, "application/json", b'{"a": ')]))
    assert [(line.title, line.pieces[0].text) for line in told.lines] == [("request, incomplete", '{"a": ')]
    assert story([]).lines == ()


def test_tones() -> None:
    types = ["decision.allow", "decision.refused", "approval.requested", "approval.granted", "approval.refused"]
    types += ["masking.request", "exchange.end"]
    assert [tone_of(type_) for type_ in types] == ["allow", "deny", "hold", "allow", "deny", "mask", "fact"]
