"""When Envoy started and when it was last seen alive, as events. Pure.

Envoy buffers its access log and writes a line when a request ends, so its death takes lines along. These events say
when that can have been: `exeat audit reconcile` excuses no other gap.

    envoy.started {started_us, seen_us}   seen_us: when the Envoy before it was last seen, 0 if nobody had looked
    envoy.away    {seen_us}               it stopped answering
"""

import re

from audit.write.event import Draft, Kind, Span

_UPTIME = re.compile(rb'"uptime_current_epoch":\s*"(\d+)s"')
SAME_US = 2_500_000  # Envoy tells its uptime in whole seconds


def uptime(body: bytes) -> int | None:
    """Seconds since start, out of what Envoy's admin answers to /server_info."""
    found = _UPTIME.search(body)
    return int(found[1]) if found else None


class EnvoyWatch:
    def __init__(self) -> None:
        self._started_us = 0
        self._seen_us = 0
        self._away = True

    def seen(self, now_us: int, seconds: int | None) -> list[Draft]:
        """A look at `now_us`: Envoy has been up for `seconds`, or does not answer. Returns what must be recorded."""
        if seconds is None:
            gone = not self._away
            self._away = True
            return [Draft(Kind.LIFECYCLE, "envoy.away", data={"seen_us": self._seen_us})] if gone else []
        self._away = False
        started_us, seen_us = now_us - seconds * 1_000_000, self._seen_us
        self._seen_us = now_us
        if started_us <= self._started_us + SAME_US:
            return []
        self._started_us = started_us
        up = Span(started_us, seconds * 1_000_000)
        return [Draft(Kind.LIFECYCLE, "envoy.started", data={"started_us": started_us, "seen_us": seen_us}, span=up)]
