"""Reservations of open exchanges, kept alive, and settled at the end. Shell.

The reservation of an exchange (room `usage`) is a lease: it is renewed here while the stream is open, held or flowing,
and marked when the request goes. Were this process to die, the leases would run out and be charged for what left.
"""

import asyncio

from extproc.commands import Charge
from extproc.record import Exchange
from runtime import log
from runtime.errors import Error
from usage import Counting

RENEW_SECONDS = 30.0  # a quarter of a lease
AT_ONCE = 200  # leases renewed in one transaction: authz waits for the counters meanwhile
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # seconds before each further attempt to settle

logger = log.get("extproc")


class Leases:
    def __init__(self, usage: Counting) -> None:
        self._usage = usage
        self._open: dict[str, Exchange] = {}
        self._sent: set[str] = set()  # marked as let out
        self._closing = asyncio.Event()

    def follow(self, exchange: Exchange) -> bool:
        """To be called whenever something happened to it. True if it was let out since the last call."""
        if exchange.verdict is None or exchange.ended:
            return False
        self._open[exchange.id] = exchange
        if not exchange.sent or exchange.id in self._sent:
            return False
        self._sent.add(exchange.id)
        return True

    async def mark(self, exchange: str) -> None:
        """That it was let out, at once. Were it lost, the next renewal would say it."""
        await self._renew({exchange: True})

    async def run(self) -> None:
        """Until cancelled: in portions, spread evenly over the time that all of them have."""
        while True:
            names = list(self._open)
            portions = [names[first : first + AT_ONCE] for first in range(0, len(names), AT_ONCE)] or [[]]
            for portion in portions:
                await asyncio.sleep(RENEW_SECONDS / len(portions))
                await self._renew({name: self._open[name].sent for name in portion if name in self._open})

    def close(self) -> None:
        """What cannot be settled now is left to its lease."""
        self._closing.set()

    async def settle(self, charge: Charge) -> bool:
        """One attempt."""
        try:
            await self._usage.settle(charge.exchange, charge.who, charge.amounts, charge.tokens)
        except Error as error:
            fields = {"exchange": charge.exchange, "code": error.code}
            logger.warning("not_settled", extra={"fields": fields})
            return False
        self._forget(charge.exchange)
        return True

    async def settle_later(self, charge: Charge) -> None:
        """More attempts; its lease is renewed meanwhile. Then it is left to run out, and charged for what left."""
        for pause in PAUSES:
            try:
                async with asyncio.timeout(pause):
                    await self._closing.wait()
            except TimeoutError:
                if await self.settle(charge):
                    return
            else:
                break
        self._forget(charge.exchange)

    def _forget(self, exchange: str) -> None:
        self._open.pop(exchange, None)
        self._sent.discard(exchange)

    async def _renew(self, exchanges: dict[str, bool]) -> None:
        try:
            if exchanges:
                await self._usage.renew(exchanges)
        except Error as error:
            logger.warning("not_renewed", extra={"fields": {"code": error.code, "count": len(exchanges)}})
