"""Which clients are there, and until when those that should be are expected. Pure.

A client that waits holds a stream to us. When the stream is gone without a word (a crash, a restart of either side, a
request that never came to wait), the client is expected back for ATTEND_US; after that it counts as left.
"""

from collections.abc import Collection

from approvals.deadlines import Deadlines
from approvals.machine import Approval

ATTEND_US = 30_000_000  # a restart takes a second or two; a supervisor's back-off stays below half a minute
Seat = tuple[str, str]  # an approval and one of its exchanges


class Attendance:
    def __init__(self) -> None:
        self._leases: Deadlines[Seat] = Deadlines()
        self._there: dict[Seat, int] = {}  # how many streams wait for it
        self._elsewhere: dict[Seat, str] = {}  # at which other gateway its client waits: there it is expected

    def come(self, seat: Seat) -> None:
        self._there[seat] = self._there.get(seat, 0) + 1
        self._leases.set(seat, None)

    def go(self, seat: Seat) -> None:
        """One stream less; `expect` then says whether anybody is expected back."""
        self._there[seat] -= 1
        if not self._there[seat]:
            del self._there[seat]

    def at(self, seat: Seat, gateway: str) -> None:
        """Its client came last to this gateway; empty: to ours."""
        if gateway:
            self._elsewhere[seat] = gateway
        else:
            self._elsewhere.pop(seat, None)

    def pop_with(self, gateways: Collection[str]) -> list[Seat]:
        """Those whose client is at one of these gateways, which are gone: nobody else can say that it left."""
        seats = [seat for seat, gateway in self._elsewhere.items() if gateway in gateways]
        for seat in seats:
            del self._elsewhere[seat]
        return seats

    def expect(self, approval: Approval, now_us: int) -> None:
        """Whoever should wait for it and is not there is expected from now on. Where nobody waits, nobody is."""
        waits = approval.card.terms.wait == "hold" and not approval.state.final
        expected = approval.waiting if waits else ()
        for exchange in approval.exchanges:
            seat = (approval.id, exchange)
            if approval.state.final:
                self._elsewhere.pop(seat, None)
            if exchange not in expected or seat in self._there or seat in self._elsewhere:
                self._leases.set(seat, None)
            elif not self._leases.has(seat):
                self._leases.set(seat, now_us + ATTEND_US)

    def next(self) -> int | None:
        return self._leases.next()

    def pop_left(self, now_us: int, most: int) -> list[Seat]:
        """Up to `most` who were expected until now and did not come."""
        return self._leases.pop_due(now_us, most)

    def again(self, seats: list[Seat], at_us: int) -> None:
        """Their leaving could not be recorded: have it brought again at `at_us`."""
        for seat in seats:
            self._leases.set(seat, at_us)
