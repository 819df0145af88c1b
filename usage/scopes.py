"""Whose usage it is: one exchange counts for four at once, its identity, agent, session and connection. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

SCOPES = ("identity", "agent", "session", "connection")
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Who:
    """The names behind the keys, as an event needs them."""

    issuer: str
    subject: str
    agent: str
    session: str
    connection: str

    @property
    def keys(self) -> tuple[bytes, ...]:
        """One key per scope, in the order of SCOPES. Digests: the counters hold no name longer than they must."""
        parts = ((self.issuer, self.subject), (self.issuer, self.agent), (self.session,), (self.connection,))
        return tuple(_key(scope, part) for scope, part in zip(SCOPES, parts, strict=True))

    def to_json(self) -> Mapping[str, str]:
        return asdict(self)


def _key(scope: str, parts: tuple[str, ...]) -> bytes:
    """Parts are set off by their length, so that no two lists give the same text."""
    text = "".join(f"{len(part)}:{part}" for part in (scope, *parts))
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()
