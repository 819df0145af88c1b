"""A fake of the counters that a test can see through: nothing was used before, everything is noted."""

from collections.abc import Iterable, Mapping

from runtime.errors import Error
from usage import ledger
from usage.amounts import Amounts
from usage.ledger import Numbers, Reservation
from usage.scopes import Who


class Uncounted:
    def __init__(self, fail: Error | None = None) -> None:
        self.fail = fail  # raised instead of an answer
        self.reserved: list[Reservation] = []
        self.released: list[tuple[str, bool]] = []
        self.settled: list[tuple[str, Amounts, tuple[bytes, ...]]] = []
        self.renewed: dict[str, bool] = {}

    async def reserve(self, wanted: Reservation) -> Numbers:
        if self.fail:
            raise self.fail
        self.reserved.append(wanted)
        return ledger.numbers(wanted.who, {}, [wanted.reserved] * len(wanted.who.keys))

    async def look(self, exchange: str) -> Numbers:
        (wanted,) = [found for found in self.reserved if found.exchange == exchange]
        return ledger.numbers(wanted.who, {}, [wanted.reserved] * len(wanted.who.keys))

    def release(self, exchange: str, *, denied: bool = False) -> None:
        self.released.append((exchange, denied))

    async def settle(self, exchange: str, who: Who, used: Amounts, tokens: Iterable[bytes]) -> None:
        if self.fail:
            raise self.fail
        self.settled.append((exchange, used, tuple(tokens)))

    async def renew(self, exchanges: Mapping[str, bool]) -> None:
        self.renewed.update(exchanges)

    async def untold(self) -> list[Reservation]:
        return []

    async def told(self, exchanges: Iterable[str]) -> None:
        return None
