"""token → Identity. The shell around the pure rules: it knows the issuers, the time, and what was verified before."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx

from identity.claims import Identity, identify
from identity.errors import TokenAlgorithm, TokenClaims, TokenIssuer, TokenMissing
from identity.fetch import client, fetch_keys
from identity.keys import IssuerKeys
from identity.keyset import KeySet
from identity.token import Token, take_apart
from runtime.clock import Clock
from runtime.settings import ClaimPaths, Issuer, People

REMEMBERED = 10_000  # about 10 MB; an agent fleet above it verifies again, 70 µs each

FetchKeys = Callable[[httpx.AsyncClient, Issuer], Awaitable[KeySet]]


@dataclass(frozen=True, slots=True)
class _Remembered:
    identity: Identity
    kid: str
    algorithm: str


class Verifier:
    """`async with Verifier(settings.issuers, clock) as verifier: identity = await verifier.verify(token)`."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        clock: Clock,
        *,
        foreign: Iterable[str] = (),
        fetch: FetchKeys = fetch_keys,
    ) -> None:
        """`foreign`: audiences of other doors of this house, which a token here may not name at all."""
        self._foreign = frozenset(foreign)
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._clock = clock
        self._fetch = fetch
        self._http: httpx.AsyncClient | None = None
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keys = {name: self._keys_of(issuer) for name, issuer in self._issuers.items()}
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._http = client()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)
        if self._http is not None:
            await self._http.aclose()

    def known(self, token: str) -> Identity | None:
        """Whose token this is, if it was verified before and still counts: a hash and a look-up."""
        return self._recall(_digest(token), self._clock.now_us() // 1_000_000)

    async def verify(self, token: str) -> Identity:
        """Raises TokenRefused (its subclass says why) or KeysUnavailable."""
        if not token:
            raise TokenMissing("No token was sent.")
        digest = _digest(token)
        known = self._recall(digest, self._clock.now_us() // 1_000_000)
        if known is not None:
            return known
        parts = take_apart(token)
        issuer = self._issuers.get(parts.issuer)
        if issuer is None:
            raise TokenIssuer("The token is of an issuer that this gateway does not know.")
        if parts.algorithm not in issuer.algorithms:
            raise TokenAlgorithm("The token is signed with an algorithm that is not accepted of its issuer.")
        if parts.type not in issuer.types:
            raise TokenClaims("The token is of a type that is not accepted of its issuer (typ).")
        parts.check_signature(await self._keys[parts.issuer].key(parts.kid, parts.algorithm))
        identity = identify(parts.claims, issuer, self._clock.now_us() // 1_000_000, self._foreign)
        self._remember(digest, identity, parts)
        return identity

    def _recall(self, digest: bytes, now: int) -> Identity | None:
        """A token seen before: only what changes by itself is looked at again, its end and its key."""
        found = self._remembered.get(digest)
        if found is None:
            return None
        identity = found.identity
        over = now >= identity.expires_at + self._issuers[identity.issuer].skew_seconds
        if over or self._keys[identity.issuer].known(found.kid, found.algorithm) is None:
            del self._remembered[digest]
            return None
        self._remembered.move_to_end(digest)
        return identity

    def _remember(self, digest: bytes, identity: Identity, parts: Token) -> None:
        self._remembered[digest] = _Remembered(identity, parts.kid, parts.algorithm)
        self._remembered.move_to_end(digest)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    def _keys_of(self, issuer: Issuer) -> IssuerKeys:
        async def fetch() -> KeySet:
            assert self._http is not None, "the verifier is entered before it is used"
            return await self._fetch(self._http, issuer)

        return IssuerKeys(issuer.issuer, fetch, self._clock, self._spawn)

    def _spawn(self, work: Awaitable[None]) -> "asyncio.Task[None]":
        async def run() -> None:
            await work

        task = self._group.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def people_issuer(people: People) -> Issuer | None:
    """`settings.people` as an issuer whose tokens people carry; None when nobody can sign in."""
    if people.issuer is None:
        return None
    return Issuer.model_validate(
        {
            "issuer": people.issuer,
            "audiences": [people.audience],
            "algorithms": people.algorithms,
            "skew_seconds": people.skew_seconds,
            "claims": ClaimPaths(groups=people.groups_claim),
            "allow_http": people.allow_http,
        }
    )
