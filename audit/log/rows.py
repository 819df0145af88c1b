"""Event bodies as rows of ClickHouse. Pure. The body is the truth; the other columns are read from it."""

import hashlib
import uuid
from typing import Any, NamedTuple

import orjson

from audit.log.cursor import Placed
from audit.log.spools import SpooledFrame

MAX_TS = 4_102_444_800_000_000  # year 2100 in microseconds: a time beyond it is a broken clock or a forged body


class Unreadable(ValueError):
    """The body is not an event's: it can be kept and signed, but not laid out in columns."""


class EventRow(NamedTuple):
    """Columns of audit.events in order."""

    log_index: int
    writer: str
    seq: int
    epoch: int
    event_id: uuid.UUID
    ts: int
    kind: str
    type: str
    gateway: str
    exchange: str
    session: str
    connection: str
    issuer: str
    subject: str
    agent: str
    effect: str
    snapshot: str
    body: str
    hash: bytes
    prev: bytes


class FrameRow(NamedTuple):
    """Columns of audit.frames in order."""

    writer: str
    seq: int
    ordinal: int
    exchange: str
    session: str
    direction: str
    idx: int
    at: int
    media: str
    salt: bytes
    sha256: bytes
    content: bytes


class CheckpointRow(NamedTuple):
    """Columns of audit.checkpoints in order."""

    gateway: str
    size: int
    root: bytes
    ts: int
    note: str


def event_row(place: Placed, body: bytes) -> EventRow:
    """Raises Unreadable."""
    try:
        read = orjson.loads(body)
        return _event_row(place, body, read)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unreadable(f"{place.writer} {place.seq}: the body is not an event's") from None


def _event_row(place: Placed, body: bytes, read: Any) -> EventRow:
    caller, data = read["caller"], read["data"]
    return EventRow(
        log_index=place.log_index,
        writer=place.writer,
        seq=place.seq,
        epoch=_whole(read["epoch"], 2**32),
        event_id=_uuid(read["id"]),
        ts=_whole(read["ts"], MAX_TS),
        kind=_text(read["kind"]),
        type=_text(read["type"]),
        gateway=_text(read["gateway"]),
        exchange=_text(read["exchange"]),
        session=_text(read["session"]),
        connection=_text(read["connection"]),
        issuer=_text(caller["issuer"]),
        subject=_text(caller["subject"]),
        agent=_text(caller["agent"]),
        effect=_effect(read["kind"], read["type"], data),
        snapshot=_text(data.get("snapshot", "")),
        body=body.decode(),
        hash=hashlib.sha256(body).digest(),
        prev=_digest(read["prev"]),
    )


def _effect(kind: str, type_: str, data: Any) -> str:
    """allow, deny, hold or refused for decisions; empty for all else."""
    if kind != "decision":
        return ""
    return _text(data.get("effect", "")) or type_.rpartition(".")[2]


def frame_row(frame: SpooledFrame) -> FrameRow:
    return FrameRow(
        writer=frame.writer,
        seq=frame.seq,
        ordinal=frame.ordinal,
        exchange=frame.exchange,
        session=frame.session,
        direction=frame.direction,
        idx=frame.index,
        at=frame.at_us,
        media=frame.media,
        salt=bytes(frame.salt),
        sha256=hashlib.sha256(frame.salt + frame.content).digest(),
        content=bytes(frame.content),
    )


def _uuid(text: str) -> uuid.UUID:
    """Only the usual form; uuid.UUID takes more of them, and three times as long."""
    if len(text) != 36 or text[8] + text[13] + text[18] + text[23] != "----":
        raise ValueError
    return uuid.UUID(int=int(text.replace("-", ""), 16))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object, below: int) -> int:
    if not isinstance(value, int) or not 0 <= value < below:
        raise ValueError
    return value


def _digest(value: str) -> bytes:
    digest = bytes.fromhex(value)
    if len(digest) != 32:
        raise ValueError
    return digest
