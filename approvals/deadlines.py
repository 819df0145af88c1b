"""Many deadlines, one timer. Pure: the caller brings the time."""

import heapq
from typing import Generic, TypeVar

Key = TypeVar("Key")


class Deadlines(Generic[Key]):
    """At most one deadline per key; setting again moves it, None removes it. Times are Unix microseconds."""

    def __init__(self) -> None:
        self._at: dict[Key, int] = {}
        self._heap: list[tuple[int, int, Key]] = []  # may hold entries that were moved since; `_at` is the truth
        self._count = 0

    def __len__(self) -> int:
        return len(self._at)

    def has(self, key: Key) -> bool:
        return key in self._at

    def set(self, key: Key, at_us: int | None) -> None:
        if at_us is None:
            self._at.pop(key, None)
        elif self._at.get(key) != at_us:
            self._at[key] = at_us
            self._count += 1  # keeps keys themselves from being compared
            heapq.heappush(self._heap, (at_us, self._count, key))
            if len(self._heap) > 2 * len(self._at) + 64:
                self._rebuild()

    def next(self) -> int | None:
        """The earliest deadline."""
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now_us: int, most: int) -> list[Key]:
        """Up to `most` keys whose deadline has come, earliest first; they have none any more."""
        due: list[Key] = []
        while len(due) < most and (at_us := self.next()) is not None and at_us <= now_us:
            key = heapq.heappop(self._heap)[2]
            del self._at[key]
            due.append(key)
        return due

    def _rebuild(self) -> None:
        self._heap = [(at_us, place, key) for place, (key, at_us) in enumerate(self._at.items())]
        self._count = len(self._heap)
        heapq.heapify(self._heap)
