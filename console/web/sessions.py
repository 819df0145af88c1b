"""Who is signed in in which browser: kept in this process, found by a cookie of 256 random bits.

    open ─▶ used … used ─▶ idle for too long, too old, its token over, signed out ─▶ gone

The cookie is kept as its hash, tokens in memory alone, so nothing on disk opens a session; a restart of the console
signs everybody out. Times are microseconds of the monotonic clock.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from identity import Identity, SignedIn
from runtime.clock import Clock

MOST = 10_000  # browsers; beyond it whoever was silent longest signs in again
MINUTE_US = 60_000_000


@dataclass(slots=True)
class Session:
    """`csrf` is what a form of this browser must carry."""

    identity: Identity
    token: str
    refresh: str
    opened_us: int
    seen_us: int
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # one renewal at a time

    def renew(self, signed_in: SignedIn) -> None:
        self.identity, self.token, self.refresh = signed_in.identity, signed_in.token, signed_in.refresh


class Sessions:
    def __init__(self, clock: Clock, *, idle_minutes: int, hours: int) -> None:
        self._clock = clock
        self._idle_us, self._most_us = idle_minutes * MINUTE_US, hours * 60 * MINUTE_US
        self._open: OrderedDict[bytes, Session] = OrderedDict()

    def open(self, signed_in: SignedIn) -> str:
        """The cookie's value, new at every sign-in: one that somebody planted opens nothing."""
        now, cookie = self._clock.monotonic_us(), secrets.token_urlsafe(32)
        self._open[_key(cookie)] = Session(signed_in.identity, signed_in.token, signed_in.refresh, now, now)
        if len(self._open) > MOST:
            self._open.popitem(last=False)
        return cookie

    def find(self, cookie: str) -> Session | None:
        """The session if it still counts; using it keeps it from being idle."""
        key, now = _key(cookie), self._clock.monotonic_us()
        found = self._open.get(key)
        if found is None:
            return None
        if now - found.seen_us >= self._idle_us or now - found.opened_us >= self._most_us:
            del self._open[key]
            return None
        found.seen_us = now
        self._open.move_to_end(key)
        return found

    def close(self, cookie: str) -> None:
        self._open.pop(_key(cookie), None)

    def __len__(self) -> int:
        return len(self._open)


def _key(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()
