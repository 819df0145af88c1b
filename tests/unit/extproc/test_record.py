"""What the evidence is told."""

import hashlib

import pytest

from audit.write import Kind
from audit.write.event import MAX_BODY, SALT_BYTES, Draft, Span, compose
from extproc import record
from extproc.flow import Piece
from extproc.record import FRAME_BYTES, Exchange, Outcome
from masking import Finding
from runtime.clock_quality import Quality
from tests.kit.playbook import verdict


def exchange() -> Exchange:
    return Exchange(verdict(), "POST", "/anthropic/v1/messages", started_us=1000)


def fits(draft: Draft) -> bool:
    entry = compose(draft, event_id="x" * 36, ts_us=1, salts=[bytes(SALT_BYTES)] * len(draft.frames))
    return entry.size - sum(len(frame.content) for frame in draft.frames) < 2 * MAX_BODY


def test_large_content_is_several_frames_of_one_answer() -> None:
    known = exchange()
    data = bytes(range(256)) * 1025
    (draft,) = record.response_content(known, "text/plain", [Piece(5, data), Piece(6, b"x")])
    assert b"".join(frame.content for frame in draft.frames) == data + b"x"
    assert [len(frame.content) for frame in draft.frames] == [FRAME_BYTES, 256, 1]
    assert [frame.index for frame in draft.frames] == [0, 1, 2]
    assert [frame.at_us for frame in draft.frames] == [5, 5, 6]
    (draft,) = record.response_content(known, "text/plain", [Piece(7, b"y")])
    assert draft.frames[0].index == 3
    assert draft.data == {"direction": "response", "media": "text/plain", "inspected": True, "bytes": 1}
    assert (draft.exchange, draft.session, draft.connection, draft.caller.agent) == (
        "e-1",
        "s-1",
        "anthropic",
        "research-agent",
    )


def test_many_frames_and_findings_stay_below_the_largest_event() -> None:
    drafts = record.response_content(exchange(), "application/x-ndjson", [Piece(2**50, b"x")] * 1000)
    assert sum(len(draft.frames) for draft in drafts) == 1000
    assert all(fits(draft) for draft in drafts)
    finding = Finding("r" * 40, "v" * 20, "$." + "ключ" * 200, "redact", 3, "t" * 60)
    drafts = record.applied(exchange(), "response", [finding] * 500)
    assert sum(len(draft.data["findings"]) for draft in drafts) == 500  # type: ignore[arg-type,misc]
    assert all(fits(draft) for draft in drafts)


def test_what_cannot_be_inspected_is_named_by_its_hash() -> None:
    (draft,) = record.unread(exchange(), "response", "image/png", [b"one", b"two"])
    assert draft.frames == ()
    assert draft.data["sha256"] == hashlib.sha256(b"onetwo").hexdigest()
    assert record.unread(exchange(), "response", "image/png", []) == []


def test_the_end() -> None:
    known = exchange()
    known.status, known.request_bytes, known.response_bytes = 200, 3, 4
    known.now_us, known.clock = 2500, Quality("synchronised", 900)
    draft = record.ended(known, Outcome.CUT, "spool_full")
    assert draft.kind is Kind.EXCHANGE
    assert draft.data == {
        "status": 200,
        "request_bytes": 3,
        "response_bytes": 4,
        "outcome": "cut",
        "code": "spool_full",
    }
    assert draft.span == Span(1000, 1500, Quality("synchronised", 900))
    assert record.ended(known, Outcome.ANSWERED, usage={"rows": 3}).data["usage"] == {"rows": 3}
    assert "code" not in record.ended(known, Outcome.ANSWERED).data


def test_what_happens_in_between_spans_the_exchange_so_far() -> None:
    known = exchange()
    known.now_us = 1400
    finding = Finding("card", "1", "$.a", "redact", 1, "t")
    drafts = [
        *record.response_content(known, "text/plain", [Piece(1400, b"x")]),
        *record.applied(known, "response", [finding]),
        *record.unread(known, "response", "image/png", [b"x"]),
        record.tools(known, "response", ["drop"]),
    ]
    assert [(draft.session, draft.span) for draft in drafts] == [("s-1", Span(1000, 400))] * 4


def test_outside_of_an_exchange_nothing_is_recorded() -> None:
    with pytest.raises(ValueError, match="outside"):
        record.ended(Exchange(), Outcome.ANSWERED, 1)
