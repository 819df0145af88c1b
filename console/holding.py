"""Legal holds, as the command line, the console and the API add and release them. An event is all that one is."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from audit.read import holds as legal
from audit.read.instants import as_sql, instant
from audit.read.reader import Question, Reader
from audit.write import Draft, Kind, Value
from console.recording import Recorder
from runtime.errors import CallerError, GatewayError
from runtime.ids import uuid7

PATIENCE_SECONDS = 15.0  # for the shipper to sign and store an event


class NotSigned(GatewayError):
    """The event is recorded and not yet in the log: nothing was done."""

    code = "not_signed_yet"


class NoSuchHold(CallerError):
    code = "no_such_legal_hold"


class ReasonUnsaid(CallerError):
    code = "reason_unsaid"


def add(recorder: Recorder, scope: Mapping[str, str], reason: str, since: str, until: str, now_us: int) -> str:
    """Durable on return; its id. An empty scope holds everything. Raises WrongTime, ReasonUnsaid, NotRecorded."""
    name = uuid7()
    data: dict[str, Value] = {
        "scope": {field: scope[field].strip() for field in legal.FIELDS if scope.get(field, "").strip()},
        "since_us": instant(since, now_us) if since else 0,
        "until_us": instant(until, now_us) if until else 0,
    }
    _record(recorder, "legal_hold.added", name, reason, data)
    return name


def release(recorder: Recorder, name: str, reason: str) -> None:
    """Durable on return. Raises ReasonUnsaid, NotRecorded."""
    _record(recorder, "legal_hold.released", name, reason, {})


def active(asking: Reader, name: str) -> str:
    """The id of the one that holds and is called so, or begins so. Raises NoSuchHold."""
    found = [hold.id for hold in legal.fold(asking.ask(legal.question())) if hold.active]
    matching = [hold for hold in found if hold == name] or [hold for hold in found if name and hold.startswith(name)]
    if len(matching) != 1:
        raise NoSuchHold(f"{len(matching)} active legal holds are, or begin with, {name!r}")
    return matching[0]


def _record(recorder: Recorder, type_: str, name: str, reason: str, data: dict[str, Value]) -> None:
    if not reason.strip():
        raise ReasonUnsaid("say why, for the record, e.g. the matter's number")
    told: dict[str, Value] = {"id": name, "reason": recorder.masked(reason)}
    recorder.record(Draft(Kind.CONFIG, type_, caller=recorder.caller, data=told | data), required=True)


def until_stored(asking: Reader, type_: str, name: str, sign: str = "", *, patience: float = PATIENCE_SECONDS) -> None:
    """Waits until the newest event of this type and id is in the store. Raises NotSigned."""
    sql = (
        "SELECT count() AS n FROM events WHERE type = {type:String}"
        " AND JSONExtractString(body, 'data', 'id') = {id:String} AND position(body, {sign:String}) > 0"
    )
    question = Question("audit.recorded", sql, {"type": type_, "id": name, "sign": sign})
    deadline = time.monotonic() + patience
    while not int(asking.ask(question)[0]["n"]):
        if time.monotonic() > deadline:
            raise NotSigned("the event is recorded, but the shipper has not stored it yet; nothing was changed")
        time.sleep(0.2)


def row(hold: legal.Hold) -> dict[str, Any]:
    scope = [f"{name}={value}" for name, value in hold.scope.items()]
    scope += [f"{name} {as_sql(us)[:16]}" for name, us in (("since", hold.since_us), ("until", hold.until_us)) if us]
    when: Callable[[int], str] = lambda us: as_sql(us)[:16] if us else ""  # noqa: E731
    released = f"{when(hold.released_us)} by {hold.released_by}: {hold.released_because}" if hold.released_us else ""
    return {
        "id": hold.id, "added": when(hold.added_us), "by": hold.added_by, "scope": ", ".join(scope) or "everything",
        "reason": hold.reason, "released": released,
    }  # fmt: skip
