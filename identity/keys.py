"""An issuer's keys over time: fetched once, refreshed ahead, asked again for a `kid` nobody knows, used stale a while.

    age of the keys        a known kid                      an unknown kid
    under REFRESH          used                             one fetch, at most every UNKNOWN seconds, then refused
    REFRESH … STALE        used, refreshed meanwhile        the same
    over STALE             waits for a fetch; none: closed  the same

One fetch at a time; whoever needs it waits for the same one. A removed key stops counting at the next refresh.
"""

import asyncio
from collections.abc import Awaitable, Callable

from jwt import PyJWK

from identity.errors import KeysUnavailable, TokenSignature
from identity.keyset import KeySet
from runtime import log
from runtime.clock import Clock

SECOND = 1_000_000
REFRESH_US = 300 * SECOND  # a withdrawn key must not live long; issuers announce new ones hours ahead
STALE_US = 3600 * SECOND  # an issuer's outage of an hour stops nobody; a longer one must
UNKNOWN_US = 5 * SECOND  # invented kids cost the issuer at most one request in this time
RETRY_US = 2 * SECOND  # and an issuer that is down is not asked for every request

Fetch = Callable[[], Awaitable[KeySet]]
Spawn = Callable[[Awaitable[None]], "asyncio.Task[None]"]
logger = log.get("identity")


class IssuerKeys:
    """`spawn` starts a task that its owner ends."""

    def __init__(self, issuer: str, fetch: Fetch, clock: Clock, spawn: Spawn) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._spawn = spawn
        self._set: KeySet | None = None
        self._fetched_us = 0  # when the present set came
        self._tried_us: int | None = None  # when the last attempt began
        self._failed = ""  # why the last attempt failed
        self._running: asyncio.Task[None] | None = None

    def known(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key if it counts now, without waiting; a refresh that is due starts meanwhile."""
        age = self._clock.monotonic_us() - self._fetched_us
        if self._set is None or age > STALE_US:
            return None
        if age > REFRESH_US and self._may_try(RETRY_US):
            self._start()
        return self._set.get(kid, algorithm)

    async def key(self, kid: str, algorithm: str) -> PyJWK:
        """Raises TokenSignature for a kid that the issuer does not publish, KeysUnavailable."""
        found = self.known(kid, algorithm)
        if found is not None:
            return found
        fresh = self._set is not None and self._clock.monotonic_us() - self._fetched_us <= STALE_US
        if self._running is not None or self._may_try(UNKNOWN_US if fresh and not self._failed else RETRY_US):
            await asyncio.shield(self._start())
        found = self.known(kid, algorithm)
        if found is not None:
            return found
        if self._failed:  # perhaps the issuer knows this kid; we cannot tell
            raise KeysUnavailable(self._failed)
        raise TokenSignature("The token is signed with a key that its issuer does not publish.")

    def _may_try(self, pause_us: int) -> bool:
        return self._tried_us is None or self._clock.monotonic_us() - self._tried_us >= pause_us

    def _start(self) -> "asyncio.Task[None]":
        if self._running is None:
            self._tried_us = self._clock.monotonic_us()
            self._running = self._spawn(self._refresh())
        return self._running

    async def _refresh(self) -> None:
        try:
            self._set = await self._fetch()
            self._fetched_us = self._clock.monotonic_us()
            self._failed = ""
        except KeysUnavailable as error:
            self._fail(error.message)
        except Exception as error:  # a task that fails would end the whole process with it
            self._fail(f"The issuer's keys cannot be read ({type(error).__name__}).")
        finally:
            self._running = None

    def _fail(self, why: str) -> None:
        self._failed = why
        logger.warning("keys_unavailable", extra={"fields": {"issuer": self._issuer, "why": why}})
