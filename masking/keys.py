"""The two keys of masking: one for pseudonyms that join, one for tokens that can be turned back."""

import secrets as _random
from dataclasses import dataclass, field

from masking.errors import BadKeys

TOKEN_BYTES = 32  # HMAC-SHA256: as long as its output (RFC 2104 §3)
REVERSIBLE_BYTES = 64  # AES-256-SIV takes two AES-256 keys (RFC 5297 §2.2)


@dataclass(frozen=True, slots=True)
class Keys:
    """`token` (32 bytes) keys HMAC pseudonyms, `reversible` (64 bytes) keys AES-SIV tokens. Never printed."""

    token: bytes = field(repr=False)
    reversible: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.token) != TOKEN_BYTES or len(self.reversible) != REVERSIBLE_BYTES:
            raise BadKeys(f"masking keys are {TOKEN_BYTES} and {REVERSIBLE_BYTES} bytes long")

    @classmethod
    def parse(cls, data: bytes) -> "Keys":
        """Read a key file: 96 bytes, or the same as 192 hexadecimal digits."""
        if len(data) != TOKEN_BYTES + REVERSIBLE_BYTES:
            try:
                data = bytes.fromhex(data.decode("ascii").strip())
            except ValueError:
                data = b""
        return cls(data[:TOKEN_BYTES], data[TOKEN_BYTES:])

    @classmethod
    def generate(cls) -> "Keys":
        """Fresh random keys: for a first start and for tests."""
        return cls(_random.token_bytes(TOKEN_BYTES), _random.token_bytes(REVERSIBLE_BYTES))

    def dump(self) -> bytes:
        """The key file's content, one line of hexadecimal digits; `parse` reads it back."""
        return (self.token + self.reversible).hex().encode() + b"\n"
