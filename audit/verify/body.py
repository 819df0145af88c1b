"""Reading an event's body, and what the columns beside it must say. Pure."""

import json
from dataclasses import dataclass
from typing import Any

try:
    import orjson
except ImportError:  # an examiner needs no more than `cryptography`
    orjson = None  # type: ignore[assignment]


class Malformed(ValueError):
    """Not an event's body."""


@dataclass(slots=True)
class NamedFrame:
    """What an event says of one of its frames."""

    direction: str
    index: int
    at_us: int
    media: str
    length: int
    digest: bytes


@dataclass(slots=True)
class Event:
    writer: str
    seq: int
    epoch: int
    prev: bytes
    ts_us: int
    type: str
    data: dict[str, Any]
    frames: tuple[NamedFrame, ...]
    columns: tuple[object, ...]  # in the order of COLUMNS


# Columns of audit.events that repeat what the body says. An event whose columns lie is found by no query.
COLUMNS = (
    "epoch",
    "event_id",
    "ts",
    "kind",
    "type",
    "gateway",
    "exchange",
    "session",
    "connection",
    "issuer",
    "subject",
    "agent",
    "effect",
    "snapshot",
    "prev",
)


def read(body: bytes, *, fast: bool = True) -> Event:
    """Raises Malformed."""
    try:
        return _read(_parsed(body, fast))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Malformed("the body is not an event") from None


def _parsed(body: bytes, fast: bool) -> Any:
    """With a faster parser where there is one; what that refuses, the standard library has the last word on."""
    if fast and orjson is not None:
        try:
            return orjson.loads(body)
        except ValueError:
            pass
    return json.loads(body.decode())  # json would look for other encodings in bytes


def _read(raw: Any) -> Event:
    data, caller, prev = raw["data"], raw["caller"], bytes.fromhex(raw["prev"])
    kind, type_ = raw["kind"], raw["type"]
    effect = ""
    if kind == "decision":
        effect = data.get("effect", "") or type_.rpartition(".")[2]
    columns = (
        raw["epoch"],
        raw["id"],
        raw["ts"],
        kind,
        type_,
        raw["gateway"],
        raw["exchange"],
        raw["session"],
        raw["connection"],
        caller["issuer"],
        caller["subject"],
        caller["agent"],
        effect,
        data.get("snapshot", ""),
        prev,
    )
    frames = tuple([_frame(frame) for frame in raw["frames"]])
    return Event(raw["writer"], int(raw["seq"]), int(raw["epoch"]), prev, int(raw["ts"]), type_, data, frames, columns)


def _frame(raw: Any) -> NamedFrame:
    return NamedFrame(raw["d"], raw["i"], raw["t"], raw["m"], raw["n"], bytes.fromhex(raw["h"]))


def lying(event: Event, columns: tuple[object, ...]) -> list[str]:
    """Names of the columns that differ from the body."""
    if columns == event.columns:
        return []
    return [name for name, told, true in zip(COLUMNS, columns, event.columns, strict=True) if told != true]
