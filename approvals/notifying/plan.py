"""Who is told of what, when, and when again. Pure: `due` gives attempts to make, `ended` hears how one went.

Theory. For each note and each notifier whose groups it concerns there is one delivery. It waits for the notifier's
delay, is attempted, and after a failure again, later each time, until it is delivered, until the other side refuses it
for good, until it was tried MOST times, or until nobody needs to hear of it any more (the card was answered).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from approvals.deadlines import Deadlines
from approvals.notifying.message import Note
from runtime.settings import Notifier

AGAIN_S = (5, 30, 120, 600, 1800)  # after each failure
MOST = len(AGAIN_S) + 1
BURST = 20  # deliveries under way at once


class Outcome(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"  # and may go better another time
    REFUSED = "refused"  # and will not
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Delivery:
    notifier: str
    note: Note
    attempt: int = 1

    @property
    def key(self) -> tuple[str, str]:
        return self.notifier, self.note.id


class Plan:
    """`done`: (notifier, note's id) of what was delivered or given up before this process began."""

    def __init__(self, notifiers: Sequence[Notifier], done: frozenset[tuple[str, str]] = frozenset()) -> None:
        self._notifiers, self._done = notifiers, set(done)
        self._waiting: dict[tuple[str, str], Delivery] = {}
        self._times: Deadlines[tuple[str, str]] = Deadlines()
        self._under_way: dict[tuple[str, str], Delivery] = {}
        self._dropped: set[tuple[str, str]] = set()  # of what is under way

    def add(self, note: Note, since_us: int) -> None:
        """`since_us`: when it happened, from which on a notifier's delay counts."""
        for notifier in self._notifiers:
            concerned = not notifier.groups or not set(notifier.groups).isdisjoint(note.groups)
            delivery = Delivery(notifier.name, note)
            known = delivery.key in self._done or delivery.key in self._waiting or delivery.key in self._under_way
            if concerned and note.what in notifier.about and not known:
                self._waiting[delivery.key] = delivery
                self._times.set(delivery.key, since_us + notifier.after_seconds * 1_000_000)

    def drop(self, about: str) -> None:
        """Nobody needs to hear of it any more; an attempt under way is the last."""
        self._dropped |= {key for key, delivery in self._under_way.items() if delivery.note.about == about}
        for key in [key for key, delivery in self._waiting.items() if delivery.note.about == about]:
            self._forget(key)

    def next_us(self) -> int | None:
        return self._times.next() if len(self._under_way) < BURST else None

    def due(self, now_us: int) -> list[Delivery]:
        keys = self._times.pop_due(now_us, BURST - len(self._under_way))
        deliveries = [self._waiting.pop(key) for key in keys]
        self._under_way.update({delivery.key: delivery for delivery in deliveries})
        return deliveries

    def ended(self, delivery: Delivery, outcome: Outcome, now_us: int) -> Outcome:
        """What is to be recorded: a failure after which nothing more is tried is `given_up`."""
        self._under_way.pop(delivery.key, None)
        dropped = delivery.key in self._dropped
        self._dropped.discard(delivery.key)
        if outcome is Outcome.FAILED and delivery.attempt < MOST and not dropped:
            self._waiting[delivery.key] = replace(delivery, attempt=delivery.attempt + 1)
            self._times.set(delivery.key, now_us + AGAIN_S[delivery.attempt - 1] * 1_000_000)
            return outcome
        self._done.add(delivery.key)
        return Outcome.GIVEN_UP if outcome is Outcome.FAILED else outcome

    def _forget(self, key: tuple[str, str]) -> None:
        del self._waiting[key]
        self._times.set(key, None)
