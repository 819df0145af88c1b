"""Who is told of what, when, and when again. Pure: `due` gives attempts to make, `ended` hears how one went.

Theory. For each note and each notifier whose groups it concerns there is one delivery. It waits for the notifier's
delay, is attempted, and after a failure again, later each time, until it is delivered, until the other side refuses it
for good, until it was tried MOST times, or until nobody needs to hear of it any more (the card was answered).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from approvals.deadlines import Deadlines
from approvals.notifying.message import Note
from runtime.settings import Notifier

AGAIN_S = (5, 30, 120, 600, 1800)  # after each failure
MOST = len(AGAIN_S) + 1
BURST = 20  # deliveries of one notifier under way at once: one that does not answer keeps no other waiting


class Outcome(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"  # and may go better another time
    REFUSED = "refused"  # and will not
    GIVEN_UP = "given_up"


Key = tuple[str, str]  # notifier, note's id


@dataclass(frozen=True, slots=True)
class Delivery:
    notifier: str
    note: Note
    attempt: int = 1

    @property
    def key(self) -> Key:
        return self.notifier, self.note.id


class Plan:
    """`done`: (notifier, note's id) of what was delivered or given up before this process began."""

    def __init__(self, notifiers: Sequence[Notifier], done: frozenset[Key] = frozenset()) -> None:
        self._notifiers, self._done = notifiers, set(done)
        self._waiting: dict[Key, Delivery] = {}
        self._times: dict[str, Deadlines[Key]] = {notifier.name: Deadlines() for notifier in notifiers}
        self._under_way: dict[str, set[Key]] = {notifier.name: set() for notifier in notifiers}
        self._dropped: set[Key] = set()  # of what is under way
        self._about: defaultdict[str, set[Key]] = defaultdict(set)  # until it is dropped

    def add(self, note: Note, since_us: int) -> None:
        """`since_us`: when it happened, from which on a notifier's delay counts."""
        for notifier in self._notifiers:
            concerned = not notifier.groups or not set(notifier.groups).isdisjoint(note.groups)
            delivery = Delivery(notifier.name, note)
            if not concerned or note.what not in notifier.about:
                continue
            self._about[note.about].add(delivery.key)
            if not (delivery.key in self._done or delivery.key in self._waiting or self._runs(delivery.key)):
                self._wait(delivery, since_us + notifier.after_seconds * 1_000_000)

    def drop(self, about: str) -> None:
        """Nobody needs to hear of it any more; an attempt under way is the last."""
        for key in self._about.pop(about, ()):
            self._done.discard(key)  # nobody adds it again
            if self._waiting.pop(key, None) is not None:
                self._times[key[0]].set(key, None)
            elif self._runs(key):
                self._dropped.add(key)

    def next_us(self) -> int | None:
        """When `due` has something next; None while nothing waits that may be attempted."""
        free = [times.next() for name, times in self._times.items() if len(self._under_way[name]) < BURST]
        return min((at_us for at_us in free if at_us is not None), default=None)

    def due(self, now_us: int) -> list[Delivery]:
        found: list[Delivery] = []
        for name, times in self._times.items():
            keys = times.pop_due(now_us, BURST - len(self._under_way[name]))
            self._under_way[name].update(keys)
            found += [self._waiting.pop(key) for key in keys]
        return found

    def ended(self, delivery: Delivery, outcome: Outcome, now_us: int) -> Outcome:
        """What is to be recorded: a failure after which nothing more is tried is `given_up`."""
        self._under_way[delivery.notifier].discard(delivery.key)
        dropped = delivery.key in self._dropped
        self._dropped.discard(delivery.key)
        if outcome is Outcome.FAILED and delivery.attempt < MOST and not dropped:
            again = replace(delivery, attempt=delivery.attempt + 1)
            self._wait(again, now_us + AGAIN_S[delivery.attempt - 1] * 1_000_000)
            return outcome
        if not dropped:
            self._done.add(delivery.key)
        return Outcome.GIVEN_UP if outcome is Outcome.FAILED else outcome

    def _wait(self, delivery: Delivery, until_us: int) -> None:
        self._waiting[delivery.key] = delivery
        self._times[delivery.notifier].set(delivery.key, until_us)

    def _runs(self, key: Key) -> bool:
        return key in self._under_way[key[0]]
