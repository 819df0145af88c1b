"""What Envoy turned away by itself (429) before anybody was asked, in the record as a sum.

Envoy counts, we look at the counter every few seconds and record by how much it grew: one event for any number.
"""

import asyncio
import re
from pathlib import Path

from audit.write import Draft, Kind, Recorder, Span, Value
from runtime import health, log
from runtime.clock import Clock
from runtime.errors import GatewayError

LOOK_SECONDS = 10.0
COUNTER = "ingress_rate.http_local_rate_limit.rate_limited"
logger = log.get("authz")


class Counted:
    """A counter of somebody else's, who begins at 0 again when they restart. The first look counts nothing."""

    def __init__(self) -> None:
        self._before: int | None = None

    def grown(self, now: int) -> int:
        before, self._before = self._before, now
        if before is None:
            return 0
        return now - before if now >= before else now


def draft(count: int, since_us: int, now_us: int) -> Draft:
    data: dict[str, Value] = {"effect": "refused", "status": 429, "code": "rate_limited"}
    return Draft(
        Kind.DECISION,
        "decision.refused",
        data={**data, "count": count, "first_us": since_us, "last_us": now_us},
        span=Span(since_us, max(0, now_us - since_us)),
    )


async def watch(admin: Path, recorder: Recorder, clock: Clock, pause: float = LOOK_SECONDS) -> None:
    """Until cancelled."""
    counted, since_us = Counted(), clock.now_us()
    while True:
        found = await _counter(admin)
        now_us = clock.now_us()
        count = counted.grown(found) if found is not None else 0
        if count:
            try:
                await recorder.record(draft(count, since_us, now_us))
            except GatewayError as error:
                logger.error("refusal_not_recorded", extra={"fields": {"code": error.code, "count": count}})
        since_us = now_us
        await asyncio.sleep(pause)


async def _counter(admin: Path) -> int | None:
    """None while Envoy does not answer."""
    status, body = await health.http_ask(admin, f"/stats?filter=^{COUNTER}$")
    if status != 200:
        return None
    found = re.search(rb"rate_limited: (\d+)", body)
    return int(found.group(1)) if found else 0
