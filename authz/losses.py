"""Exchanges that were let out and never ended, because a process died: said to the evidence, once.

`exchange.lost`   {outcome: "lost", charged: {requests, input_tokens, request_bytes}}: for what left. Not called as in
`exchange.end`, whose numbers take its place when that comes after all (view `audit.usage`).
"""

from audit.write import Caller, Draft, Kind, Recorder
from runtime import log
from runtime.errors import Error
from usage import Counting, Reservation

logger = log.get("authz")


async def tell(usage: Counting, recorder: Recorder) -> None:
    """Never raises: what could not be said is said the next time."""
    try:
        found = await usage.untold()
        if found:
            await recorder.record(*[draft(lost) for lost in found])
            await usage.told([lost.exchange for lost in found])
    except Error as error:
        logger.error("losses_not_told", extra={"fields": {"code": error.code}})


def draft(lost: Reservation) -> Draft:
    who, charged = lost.who, lost.charged
    left = {
        "requests": charged.requests,
        "input_tokens": charged.input_tokens,
        "request_bytes": charged.request_bytes,
    }
    return Draft(
        kind=Kind.EXCHANGE,
        type="exchange.lost",
        exchange=lost.exchange,
        session=who.session,
        connection=who.connection,
        caller=Caller(who.issuer, who.subject, who.agent),
        data={"outcome": "lost", "charged": left},
    )
