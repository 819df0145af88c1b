"""Getting rows into ClickHouse exactly once: reconcile by (writer, seq), insert, read back.

Deduplication tokens are not used: ClickHouse notes a token before the rows are in place, so that after a crash in
between a repetition is told "done" and inserts nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.log.batch import Loaded
from audit.log.spools import spans
from audit.log.target import StoredEvent, StoredFrame, Target, TargetAway, TargetRefused

MAX_REFUSALS = 64  # events refused without one accepted: then the server is wrong, not the events
UNREADABLE = "unreadable"


class Unconfirmed(TargetAway):
    """Not all rows are there after the insert. Look again, insert what is missing."""

    code = "store_unconfirmed"


class RefusesAll(TargetAway):
    """Nothing was accepted: one bad event alone looks like a bad server, so nobody is given up yet."""

    code = "store_refuses_all"


@dataclass(slots=True)
class Delivery:
    """What became of a batch."""

    refused: list[tuple[Loaded, str]] = field(default_factory=list)  # with the server's reason
    strange: set[tuple[str, int]] = field(default_factory=set)  # (writer, seq) that are doubled or not ours
    accepted: int = 0


def deliver(target: Target, batch: Sequence[Loaded], *, doubt: bool) -> Delivery:
    """Brings all of `batch` into ClickHouse but what it refuses for good.

    `doubt`: some of it may be there already. Raises TargetAway: try the same again, with doubt.
    """
    delivery = Delivery()
    delivery.refused += [(event, UNREADABLE) for event in batch if event.row is None]
    readable = [event for event in batch if event.row is not None]
    if readable:
        _search(target, readable, delivery, doubt)
    if readable and not delivery.accepted:
        raise RefusesAll("ClickHouse refuses every event: " + delivery.refused[-1][1])
    return delivery


def _search(target: Target, events: Sequence[Loaded], delivery: Delivery, doubt: bool) -> None:
    """Delivers all, or halves until what is refused stands alone."""
    try:
        delivery.strange |= _put(target, events, doubt)
        delivery.accepted += len(events)
    except TargetRefused as error:
        if len(events) == 1:
            delivery.refused.append((events[0], error.reason))
            _give_up_if_all_are_refused(delivery, error.reason)
            return
        middle = len(events) // 2
        _search(target, events[middle:], delivery, True)  # the newer half first: most likely there are good ones
        _search(target, events[:middle], delivery, True)


def _give_up_if_all_are_refused(delivery: Delivery, reason: str) -> None:
    if not delivery.accepted and len(delivery.refused) >= MAX_REFUSALS:
        raise RefusesAll(f"ClickHouse refuses every event: {reason}")


def _put(target: Target, events: Sequence[Loaded], doubt: bool) -> set[tuple[str, int]]:
    """Inserts what is missing and reads all back. Returns the places where more is stored than we sent."""
    reach = spans([(event.place.writer, event.place.seq) for event in events])
    wanted_events = {_event_key(event): event for event in events}
    wanted_frames = {
        (frame.writer, frame.seq, frame.ordinal, frame.sha256): frame for event in events for frame in event.frames
    }
    have_events = set(target.events(reach)) if doubt else set()
    have_frames = set(target.frames(reach)) if doubt and wanted_frames else set()
    frames = [frame for key, frame in wanted_frames.items() if key not in have_frames]
    rows = [event.row for key, event in wanted_events.items() if key not in have_events and event.row is not None]
    if frames:
        target.insert_frames(frames)
    if rows:
        target.insert_events(rows)
    stored = Counter(target.events(reach))
    frames_stored: set[StoredFrame] = set(target.frames(reach)) if wanted_frames else set()
    if not stored.keys() >= wanted_events.keys() or not frames_stored >= wanted_frames.keys():
        raise Unconfirmed("not all rows are there after the insert")
    return {key[:2] for key, count in stored.items() if count > 1 or key not in wanted_events}


def _event_key(event: Loaded) -> StoredEvent:
    return (event.place.writer, event.place.seq, event.place.log_index, event.place.hash)
