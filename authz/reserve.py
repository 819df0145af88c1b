"""What an exchange may take, reserved before it is decided (room `usage`), and its place in line. Pure but for futures.

`Line` remembers which exchanges of this process are not decided yet, in the order of their reservations: a request
that was not simply allowed waits for those before it that share a scope, and is decided again if the numbers fell.
"""

import asyncio
from collections.abc import Iterable

from authz.describe import Described
from authz.session import Session
from identity import Identity
from snapshot.connections import Connection
from usage import Amounts, Reservation, Who

OUTPUT_TOKENS = 4096  # where a request does not say how many it wants: what models answer at most, but for a few


def reservation(
    exchange: str, identity: Identity, session: Session, connection: Connection, described: Described
) -> Reservation:
    """One request, its bytes, the rows it asks for; of a model also the prompt as estimated and all it may answer.

    No more than `usage.amounts.MOST` of each: a number that no answer reaches must not fill the counters of others.
    """
    who = Who(identity.issuer, identity.subject, identity.agent, session.id, connection.name)
    asks = described.action.attributes
    prompt = output = 0
    if described.action.kind.startswith("llm."):
        prompt = int(asks.get("prompt_tokens_estimate", 0))
        output = max(1, int(asks.get("n", 1))) * (int(asks.get("max_tokens", 0)) or OUTPUT_TOKENS)
    amounts = Amounts(
        requests=1, input_tokens=prompt, output_tokens=output, request_bytes=described.size, rows=described.rows_asked
    )
    return Reservation(exchange, who, amounts.bounded())


class Line:
    def __init__(self) -> None:
        self._undecided: dict[str, tuple[frozenset[bytes], asyncio.Future[None]]] = {}

    def enter(self, exchange: str, keys: Iterable[bytes]) -> list[asyncio.Future[None]]:
        """Those before it that share one of its scopes. To be called in the order of the reservations."""
        own = frozenset(keys)
        ahead = [decided for scopes, decided in self._undecided.values() if not own.isdisjoint(scopes)]
        self._undecided[exchange] = (own, asyncio.get_running_loop().create_future())
        return ahead

    def leave(self, exchange: str) -> None:
        """It is decided, whatever became of it."""
        _, decided = self._undecided.pop(exchange, (None, None))
        if decided is not None and not decided.done():
            decided.set_result(None)
