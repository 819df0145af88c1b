"""From recorded frames and facts to a timed timeline. Pure: no clock, no terminal, no waiting.

Time is what was recorded, divided by the speed; a pause longer than `idle_us` is shortened to it, and says so.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

DEFAULT_IDLE_US = 3_000_000  # after division by the speed; nobody watches a terminal that stands still for longer
_ORDER = {"request": 1, "response": 2}  # notes first: the decision came before the request was forwarded


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of masked content as it passed at `at_us` (unix microseconds)."""

    exchange: str
    direction: str  # request | response
    index: int
    at_us: int
    media: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A fact beside the content, as one line for people."""

    at_us: int
    exchange: str
    type: str  # the event's type, e.g. decision.hold
    text: str

    @classmethod
    def of(cls, at_us: int, exchange: str, type_: str, body: str) -> "Note":
        """`body` is the event as recorded; what is missing in it is left out of the line.

        A body of another shape, which only a forger can have written, is told by its type alone.
        """
        try:
            return cls(at_us, exchange, type_, _line(type_, json.loads(body)))
        except (ValueError, AttributeError, TypeError, RecursionError):
            return cls(at_us, exchange, type_, type_)


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of a replay: wait, then show. Times in microseconds; `offset_us` is recorded time since the start."""

    offset_us: int
    wait_us: int
    skipped_us: int  # recorded time that the replay does not wait for, beyond `idle_us`
    what: Frame | Note


def timeline(
    frames: Iterable[Frame], notes: Iterable[Note] = (), *, speed: float = 1.0, idle_us: int | None = DEFAULT_IDLE_US
) -> Iterator[Moment]:
    """In the order of time; at the same microsecond facts, then requests, then responses, each in their own order.

    `speed` 2.0 is twice as fast; raises ValueError unless it is positive. `idle_us` None keeps every pause.
    """
    if not speed > 0:
        raise ValueError("speed must be above 0")
    steps: list[Frame | Note] = sorted([*notes, *frames], key=_key)
    start = before = steps[0].at_us if steps else 0
    for step in steps:
        wait = int((step.at_us - before) / speed)
        shown = wait if idle_us is None else min(wait, idle_us)
        yield Moment(step.at_us - start, shown, int((wait - shown) * speed), step)
        before = step.at_us


def _key(step: Frame | Note) -> tuple[int, int, str, int]:
    if isinstance(step, Note):
        return step.at_us, 0, step.exchange, 0
    return step.at_us, _ORDER.get(step.direction, 3), step.exchange, step.index


def _line(type_: str, event: dict[str, Any]) -> str:
    data = event.get("data", {})
    family, _, step = type_.partition(".")
    if family == "decision":
        caller = event.get("caller", {})
        who = caller.get("agent") or caller.get("subject") or "an unknown caller"
        reason: dict[str, Any] = next(iter(data.get("reasons", [])), {})
        because = f": {reason.get('message', '')} ({reason.get('rule', '')})" if reason else ""
        return f"{step} {who} {data.get('method', '')} {data.get('path', '')}{because}"
    if family == "approval":
        approver = data.get("approver", {})
        by = approver.get("email") or approver.get("subject") or ""
        why = data.get("justification") or data.get("message") or ""
        return f"approval {step}{f' by {by}' if by else ''}{f': {why}' if why else ''}"
    if family == "masking":
        found = [f"{item.get('count', 1)} x {item.get('rule', '?')}" for item in data.get("findings", [])]
        return f"masked in the {data.get('direction', 'content')}: {', '.join(found)}"
    if type_ == "exchange.end":
        return f"ended {data.get('outcome', '')}, status {data.get('status', '?')}".replace(" ,", ",")
    return type_
