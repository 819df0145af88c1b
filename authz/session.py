"""Which exchanges belong together: those of one identity and agent under one session key.

The key is the first of: `x-exeat-session`, `mcp-session-id`, the token's `sid`, its `jti`, and, where a token has none
of them, the time: 30 idle minutes end a session. The id is a digest over identity and key, so that nobody can speak
himself into another's session, and the same key gives the same session after a restart.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from identity import Identity
from runtime.clock import Clock

IDLE_US = 30 * 60 * 1_000_000
REMEMBERED = 10_000  # callers without any key, at once


@dataclass(frozen=True, slots=True)
class Session:
    """`source`: header, mcp, sid, jti or idle."""

    id: str
    source: str


class Sessions:
    """Remembers only when the callers without a key were last seen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._idle: OrderedDict[tuple[str, str, str], tuple[int, int]] = (
            OrderedDict()
        )  # caller → (began, last seen), µs

    def of(self, identity: Identity, header: str, mcp: str) -> Session:
        """`header`, `mcp`: untrusted, "" when absent."""
        for source, key in (("header", header), ("mcp", mcp), ("sid", identity.sid), ("jti", identity.jti)):
            if key:
                return Session(_id(identity, source, key), source)
        return Session(_id(identity, "idle", str(self._began(identity))), "idle")

    def _began(self, identity: Identity) -> int:
        caller = (identity.issuer, identity.subject, identity.agent)
        now = self._clock.now_us()
        began, last = self._idle.get(caller, (now, now))
        if now - last > IDLE_US:
            began = now
        self._idle[caller] = (began, now)
        self._idle.move_to_end(caller)
        if len(self._idle) > REMEMBERED:
            self._idle.popitem(last=False)
        return began


def _id(identity: Identity, source: str, key: str) -> str:
    """128 bits in hexadecimal. Parts are set off by their length, so that no two lists give the same text."""
    parts = [identity.issuer, identity.subject, identity.agent, source, key]
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
