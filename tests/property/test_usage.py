"""Whatever happens in whatever order, the counters are what a plain list of facts says."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from usage.amounts import Amounts
from usage.book import Book
from usage.ledger import LEASE_US, Reservation
from usage.scopes import Who
from usage.windows import SECOND, WINDOWS

START = 1_700_000_000 * SECOND
WHO = [Who("i", f"s{number}", f"a{number % 2}", f"x{number}", "c") for number in range(3)]
ASKED = Amounts(requests=1, input_tokens=10, output_tokens=100, rows=5)
USED = Amounts(requests=1, input_tokens=7, output_tokens=3, rows=2)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "deny", "send", "wait", "long"]), st.integers(0, 5), st.integers(0, 2)
    ),
    max_size=40,
)


class Model:
    """What is open and what was charged, when; windows are sums over it."""

    def __init__(self) -> None:
        self.open: dict[str, list[object]] = {}  # exchange → [who, expires, sent]
        self.charged: list[tuple[int, Who, Amounts]] = []

    def expire(self, now: int) -> None:
        for name, (who, expires, sent) in list(self.open.items()):
            if expires <= now:  # type: ignore[operator]
                del self.open[name]
                if sent:
                    self.charged.append((now, who, Amounts(requests=1, input_tokens=10)))  # type: ignore[arg-type]

    def total(self, key: bytes, since: int) -> Amounts:
        total = sum((amounts for at, who, amounts in self.charged if at >= since and key in who.keys), Amounts())
        return sum((ASKED for who, _, _ in self.open.values() if key in who.keys), total)  # type: ignore[attr-defined]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_windows_hold_what_happened_in_them(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book, model, now = Book(Path(folder) / "usage.db"), Model(), START
        for serial, (what, which, whose) in enumerate(steps):
            names = list(model.open)
            name = names[which % len(names)] if names else ""
            with book.transaction():
                if what == "reserve":
                    model.expire(now)
                    book.reserve(Reservation(f"e{serial}", WHO[whose], ASKED), now)
                    model.open[f"e{serial}"] = [WHO[whose], now + LEASE_US, False]
                elif what == "settle" and name:
                    who = model.open.pop(name)[0]
                    book.settle(name, who, USED, (), now)  # type: ignore[arg-type]
                    model.charged.append((now, who, USED))  # type: ignore[arg-type]
                elif what == "deny" and name:
                    who = model.open.pop(name)[0]
                    book.release(name, 1, now)
                    model.charged.append((now, who, Amounts(denied=1)))  # type: ignore[arg-type]
                elif what == "send" and name:
                    book.renew({name: True}, now)
                    model.open[name] = [model.open[name][0], now + LEASE_US, True]
                elif what in ("wait", "long"):
                    now += (which * 20 if what == "wait" else which * 1800) * SECOND
                    book.expire(now)
                    model.expire(now)
        _compare(book, model, now)
        book.close()


def _compare(book: Book, model: Model, now: int) -> None:
    for who in WHO:
        with book.transaction():
            found = book.read(who, now).used
        for scope, key in zip(found, who.keys, strict=True):
            for window in WINDOWS:
                since = window.first(now) * SECOND
                assert found[scope][window.name] == model.total(key, since), (scope, window)
