"""What a service says happened (`Draft`), and the canonical bytes that become evidence. Pure.

Canonical JSON: keys sorted, compact, UTF-8, over strings, booleans, integers below 2^53, lists and objects with ASCII
keys. Over these values sorted compact JSON is RFC 8785 (JCS): no floats to format, and for ASCII keys the order by
UTF-16 code units is the order by code points.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import orjson

from runtime.clock_quality import UNKNOWN, Quality
from runtime.errors import GatewayError

MAX_BODY = 60_000  # bytes; an entry of a tlog-tiles bundle has a uint16 length, and a margin for what shippers may add
MAX_DEPTH = 32  # far above what any event holds; json's own recursion limit is about 1000
MAX_INT = 2**53 - 1  # the integers that every JSON reader keeps exactly (RFC 8785 §3.2.2.3)
SALT_BYTES = 16
KEY = "a key of an event is not an ASCII string"

Value: TypeAlias = "str | bool | int | Sequence[Value] | Mapping[str, Value]"


class EventInvalid(GatewayError):
    """The draft holds something canonical JSON has no one form for. A programming error: refused, never repaired."""

    code = "event_invalid"


class EventTooLarge(GatewayError):
    """The event's facts exceed MAX_BODY. Content belongs into frames."""

    code = "event_too_large"


class Kind(StrEnum):
    DECISION = "decision"
    APPROVAL = "approval"
    MASKING = "masking"
    FRAME = "frame"
    EXCHANGE = "exchange"
    CONFIG = "config"
    LIFECYCLE = "lifecycle"
    READ = "read"  # somebody looked at the record
    PERSON = "person"  # somebody signed in or out


def shortened(text: str, most: int) -> str:
    """At most `most` characters; the last one says so when there were more, for nothing is cut in silence."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified caller. Empty where nobody was verified."""

    issuer: str = ""
    subject: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of content, ALREADY masked with the floor profile, as it passed at `at_us` (unix microseconds)."""

    index: int
    at_us: int
    direction: str  # request | response | input | shown
    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """The time that an event speaks of. `duration_us`: on a clock that never goes back; the end is the sum of both.

    `clock`: how far the wall clock could be trusted when it began; None: as it is when the event is written.
    """

    started_us: int  # unix microseconds
    duration_us: int = 0
    clock: Quality | None = None

    def to_facts(self, now: Quality) -> "dict[str, Value]":
        ended_us = self.started_us + self.duration_us
        times: dict[str, Value] = {"started_us": self.started_us, "ended_us": ended_us, "duration_us": self.duration_us}
        return {**times, "clock": (self.clock or now).to_facts()}


@dataclass(frozen=True, slots=True)
class Draft:
    """`span`: None for what happens at one moment, the one at which it is written."""

    kind: Kind
    type: str
    exchange: str = ""
    session: str = ""
    connection: str = ""
    caller: Caller = Caller()
    data: Mapping[str, Value] = field(default_factory=dict)
    frames: tuple[Frame, ...] = ()
    span: Span | None = None

    @property
    def reserved(self) -> bool:
        """May use the part of the spool that strangers cannot fill: our own events, and those of a verified caller."""
        return bool(self.caller.subject) or self.kind in (
            Kind.APPROVAL, Kind.CONFIG, Kind.LIFECYCLE, Kind.READ, Kind.PERSON,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A checked draft with its id, time and salted frame hashes; all of an event but its place in the chain."""

    fields: Mapping[str, Value]
    ts_us: int
    frames: tuple[Frame, ...]
    salts: tuple[bytes, ...]
    exchange: str
    session: str
    reserved: bool
    size: int  # upper bound of what it takes in the spool, bytes


CHAIN_FIELDS_BYTES = 330  # v, gateway, writer, epoch, seq, prev at their longest
ROW_BYTES = 128  # what a row costs beside its blobs, roughly (rowid, header, hash, page share)


def encoded(fields: Mapping[str, Value]) -> bytes:
    """`canonical` of what `plain` has made, many times faster. Raises EventInvalid for a lone surrogate."""
    try:
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # orjson.JSONEncodeError: of plain values nothing else has no form
        raise EventInvalid("a string holds a lone surrogate, which has no UTF-8 form") from None


def canonical(value: Value) -> bytes:
    """RFC 8785 bytes of `value`, which `plain` accepts."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def compose(draft: Draft, *, event_id: str, ts_us: int, salts: Sequence[bytes], clock: Quality = UNKNOWN) -> Entry:
    """Checks a draft and hashes its frames. `salts`: one of SALT_BYTES per frame. `clock`: of `ts_us`.

    Raises EventInvalid, EventTooLarge.
    """
    pairs = list(zip(draft.frames, salts, strict=True))
    fields = {
        "id": event_id,
        "ts": ts_us,
        "kind": str(draft.kind),
        "type": draft.type,
        "exchange": draft.exchange,
        "session": draft.session,
        "connection": draft.connection,
        "caller": {"issuer": draft.caller.issuer, "subject": draft.caller.subject, "agent": draft.caller.agent},
        "data": {**(draft.span or Span(ts_us)).to_facts(clock), **draft.data},
        "frames": [_named(frame, salt) for frame, salt in pairs],
    }
    checked = {key: plain(value) for key, value in fields.items()}
    size = len(encoded(checked)) + CHAIN_FIELDS_BYTES
    if size > MAX_BODY:
        raise EventTooLarge(f"{draft.type}: {size} bytes of facts, at most {MAX_BODY}")
    frames_size = sum(len(frame.content) + ROW_BYTES for frame in draft.frames)
    return Entry(
        fields=checked,
        ts_us=ts_us,
        frames=draft.frames,
        salts=tuple(salts),
        exchange=draft.exchange,
        session=draft.session,
        reserved=draft.reserved,
        size=size + ROW_BYTES + frames_size,
    )


def frame_hash(salt: bytes, content: bytes) -> bytes:
    """What an event says of a frame. The salt keeps short content from being guessed after it was pruned."""
    return hashlib.sha256(salt + content).digest()


def _named(frame: Frame, salt: bytes) -> dict[str, Value]:
    if len(salt) != SALT_BYTES:
        raise EventInvalid(f"a frame's salt has {len(salt)} bytes, not {SALT_BYTES}")
    return {
        "d": frame.direction,
        "i": frame.index,
        "m": frame.media,
        "n": len(frame.content),
        "t": frame.at_us,
        "h": frame_hash(salt, frame.content).hex(),
    }


def plain(value: object, depth: int = 0) -> Value:
    """`value` as dicts and lists, or EventInvalid where it has no one canonical form."""
    kind = type(value)  # first what nearly all are: this runs for each value of each event
    if kind is str or kind is bool or (kind is int and -MAX_INT <= value <= MAX_INT):  # type: ignore[operator]
        return value  # type: ignore[return-value]
    if kind is dict and depth < MAX_DEPTH:
        if not all(type(key) is str and key.isascii() for key in value):  # type: ignore[attr-defined]
            raise EventInvalid(KEY)
        below = depth + 1
        return {key: plain(item, below) for key, item in value.items()}  # type: ignore[attr-defined]
    return _plain(value, depth)


def _plain(value: object, depth: int) -> Value:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_INT:
            raise EventInvalid("an integer is beyond 2^53")
        return int(value)
    if depth >= MAX_DEPTH:
        raise EventInvalid(f"values are nested deeper than {MAX_DEPTH}")
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    raise EventInvalid(f"a {type(value).__name__} cannot be a value of an event")


def _key(key: object) -> str:
    if not isinstance(key, str) or not key.isascii():
        raise EventInvalid(KEY)
    return key
