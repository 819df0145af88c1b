import hashlib
import json

import pytest

from audit.log.cursor import Placed
from audit.log.rows import EventRow, Unreadable, event_row, frame_row
from audit.log.spools import SpooledFrame
from audit.verify.body import COLUMNS, lying, read
from audit.write.chain import Head, extend
from audit.write.event import Caller, Draft, Kind, compose

DRAFT = Draft(
    Kind.DECISION,
    "decision.allow",
    "exchange",
    "session",
    "ledger",
    Caller("issuer", "subject", "agent"),
    {"effect": "allow", "snapshot": "sha256:00", "é".encode().hex(): "é"},
)


def body_of(draft: Draft) -> bytes:
    fields = compose(
        draft, event_id="01a1f915-6ad2-79b0-b5da-7d603c9c61c1", ts_us=1_795_180_292_818_771, salts=[]
    ).fields
    return extend(Head("authz.00000001", "exeat", 3, 41, b"p" * 32), fields)[1]


def row_of(body: bytes) -> EventRow:
    return event_row(Placed(9, "authz.00000001", 42, b"l" * 32, b"h" * 32), body)


def test_columns_say_what_the_body_says():
    body = body_of(DRAFT)
    row = row_of(body)
    assert (row.log_index, row.writer, row.seq, row.epoch) == (9, "authz.00000001", 42, 3)
    assert (row.effect, row.snapshot, row.subject, row.agent) == ("allow", "sha256:00", "subject", "agent")
    assert (row.prev, row.hash, row.body) == (b"p" * 32, hashlib.sha256(body).digest(), body.decode())
    # and the verifier, which reads bodies by itself, agrees
    told = tuple(str(getattr(row, name)) if name == "event_id" else getattr(row, name) for name in COLUMNS)
    assert lying(read(body), told) == []


@pytest.mark.parametrize(
    ("draft", "effect"),
    [
        (Draft(Kind.DECISION, "decision.refused"), "refused"),
        (Draft(Kind.DECISION, "decision.hold", data={"effect": "hold"}), "hold"),
        (Draft(Kind.APPROVAL, "approval.granted", data={"effect": "x"}), ""),
    ],
)
def test_effect_is_for_decisions_only(draft: Draft, effect: str):
    body = body_of(draft)
    assert row_of(body).effect == effect
    assert read(body).columns[COLUMNS.index("effect")] == effect


@pytest.mark.parametrize(
    "change",
    [
        {"id": "no uuid"},
        {"ts": 2**62},
        {"ts": -1},
        {"epoch": "1"},
        {"caller": {}},
        {"caller": "x"},
        {"data": []},
        {"prev": "00"},
        {"session": 5},
    ],
)
def test_a_body_that_does_not_fit_the_columns_is_unreadable(change: dict):
    body = json.dumps(json.loads(body_of(DRAFT)) | change).encode()
    with pytest.raises(Unreadable):
        row_of(body)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_event_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        row_of(body)


def test_a_frame_row_has_the_salted_hash():
    frame = SpooledFrame("w", 1, 0, "request", 2, 3, "text/plain", b"s" * 16, b"\xff", "x", "s")
    row = frame_row(frame)
    assert row.sha256 == hashlib.sha256(b"s" * 16 + b"\xff").digest()
    assert (row.idx, row.at, row.content) == (2, 3, b"\xff")
