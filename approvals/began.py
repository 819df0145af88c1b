"""When what is open began, on a clock that never goes back: so that what the record says of its length is true whatever
is done to the wall clock meanwhile. Pure, given a clock.

Kept in memory alone: such a clock means nothing to the next process, whose record has the wall clock's difference.
"""

from runtime.clock import Clock


class Began:
    """By the id of an approval or a standing grant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at: dict[str, int] = {}  # id → monotonic microseconds

    def took_us(self, id_: str) -> int | None:
        """Microseconds since `note` was told of its beginning; None where it was not."""
        began = self._at.get(id_)
        return None if began is None else self._clock.monotonic_us() - began

    def note(self, id_: str, fact: int, *, ended: bool) -> None:
        """Its fact of this number (from 1) is durable."""
        if fact == 1:
            self._at[id_] = self._clock.monotonic_us()
        if ended:
            self._at.pop(id_, None)

    def __len__(self) -> int:
        return len(self._at)
