"""Which exchanges belong together: those of one identity and agent under one session key.

The key is the first of: `x-exeat-session`, `mcp-session-id`, the token's `sid`, its `jti`, and, where a token has none
of them, the time: 30 idle minutes end a session. The id is a digest over identity and key, so that nobody can speak
himself into another's session, and the same key gives the same session after a restart; so does the time, as far as
`authz/idle.py` kept it.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from identity import Identity
from runtime.clock import Clock

IDLE_US = 30 * 60 * 1_000_000
REMEMBERED = 10_000  # callers without any key, at once


@dataclass(frozen=True, slots=True)
class Session:
    """`source`: header, mcp, sid, jti or idle."""

    id: str
    source: str


@dataclass(frozen=True, slots=True)
class Seen:
    """`caller`: issuer, subject, agent. Unix microseconds."""

    caller: tuple[str, str, str]
    began_us: int
    last_us: int


class Memory(Protocol):
    def began(self, caller: tuple[str, str, str], began_us: int, now_us: int) -> int | None:
        """When the caller's session began, as far as anybody knows; else `began_us`, known from now on.

        None: it cannot say. Then the next request asks again.
        """
        ...


class Sessions:
    """Remembers only when the callers without a key were last seen. `memory`: what other processes know of them."""

    def __init__(self, clock: Clock, memory: Memory | None = None) -> None:
        self._clock, self._memory = clock, memory
        self._idle: OrderedDict[tuple[str, str, str], Seen] = OrderedDict()
        self._unsaved: set[tuple[str, str, str]] = set()
        self._alone: set[tuple[str, str, str]] = set()  # whose beginning the memory does not know yet

    def of(self, identity: Identity, header: str, mcp: str) -> Session:
        """`header`, `mcp`: untrusted, "" when absent."""
        for source, key in (("header", header), ("mcp", mcp), ("sid", identity.sid), ("jti", identity.jti)):
            if key:
                return Session(_id(identity, source, key), source)
        return Session(_id(identity, "idle", str(self._began(identity))), "idle")

    def _began(self, identity: Identity) -> int:
        caller = (identity.issuer, identity.subject, identity.agent)
        now = self._clock.now_us()
        seen = self._idle.get(caller)
        new = seen is None or now - seen.last_us > IDLE_US
        began = now if seen is None or new else seen.began_us
        if self._memory and (new or caller in self._alone):
            known = self._memory.began(caller, began, now)
            if known is None:
                self._alone.add(caller)
            else:
                self._alone.discard(caller)
                began = known
        self._idle[caller] = Seen(caller, began, now)
        self._idle.move_to_end(caller)
        self._unsaved.add(caller)
        if len(self._idle) > REMEMBERED:
            self._alone.discard(self._idle.popitem(last=False)[0])
        return began

    def unsaved(self) -> list[Seen]:
        """Who was seen since the last call of this."""
        callers, self._unsaved = self._unsaved, set()
        return [self._idle[caller] for caller in callers if caller in self._idle]


def _id(identity: Identity, source: str, key: str) -> str:
    """128 bits in hexadecimal. Parts are set off by their length, so that no two lists give the same text."""
    parts = [identity.issuer, identity.subject, identity.agent, source, key]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
