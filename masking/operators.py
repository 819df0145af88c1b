"""What takes the place of a masked value.

Operators order by strictness (`rank`): when several chosen profiles mask the same thing, the strictest wins, so that no
profile weakens another. An unkeyed hash is not offered: SHA-256 of a social security number is reversed by trying 10^9.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from masking.ff1 import FF1, LONGEST, SHORTEST
from masking.keys import Keys

_SEPARATORS = b" -./()\t"
_WIDE_SEPARATORS = re.compile(rb"\xc2\xa0|\xe2\x80[\x80-\x95\xaf]|\xe2\x81\xa0|\xef\xbb\xbf|&nbsp;|&#160;|\\")
# 80 bits of HMAC: a collision among a million values of one session has a chance of 4e-13.
_TOKEN_BYTES = 10
# Letters only, no vowels: a token never looks like a number to any detector, and never spells a word.
_LETTERS = str.maketrans("0123456789abcdef", "BCDFGHJKLMNPQRST")
_STAR = ord("*")
# Longer values are redacted instead of sealed: a stream could not hold their token long enough to bring it back.
LONGEST_SEALED = 600


class Rank(IntEnum):
    """Strictness: what a reader of the result can still tell, from most to least."""

    RESTORE = 0  # everything: the way back, see restore.py
    PARTIAL_SIX_FOUR = 1  # ten digits
    PARTIAL_FOUR = 2  # four digits
    FORMAT = 3  # the shape; the value for who holds the key
    REVERSIBLE = 4  # equality; the value for who holds the key
    TOKEN = 5  # equality
    REDACT = 6  # the kind
    DROP = 7  # nothing, not even that there was a value
    BLOCK = 8  # nothing passes


@dataclass(frozen=True, slots=True)
class Operator:
    """`kind` is the name in masking.yaml and in findings; `text` is the fixed text of a redaction ("" for a label)."""

    kind: str
    rank: Rank
    text: str = ""

    @property
    def truncates(self) -> bool:
        """Shows digits of the value itself."""
        return Rank.RESTORE < self.rank <= Rank.PARTIAL_FOUR

    @property
    def tokenises(self) -> bool:
        """Shows something equal for equal values."""
        return Rank.FORMAT <= self.rank <= Rank.TOKEN


REDACT = Operator("redact", Rank.REDACT)
LAST4 = Operator("partial", Rank.PARTIAL_FOUR)
FIRST6_LAST4 = Operator("partial", Rank.PARTIAL_SIX_FOUR)
TOKEN = Operator("token", Rank.TOKEN)
REVERSIBLE = Operator("reversible", Rank.REVERSIBLE)
FORMAT = Operator("format", Rank.FORMAT)
RESTORE = Operator("restore", Rank.RESTORE)
DROP = Operator("drop", Rank.DROP)
BLOCK = Operator("block", Rank.BLOCK)


@lru_cache(maxsize=1024)
def label(name: str) -> bytes:
    """`us_ssn` → `[US_SSN]`: what stands in for a redacted value."""
    return b"[" + name.upper().encode() + b"]"


def canonical(value: bytes) -> bytes:
    """The form in which equal values are equal: no separators in numbers, one case in everything else."""
    squeezed = value.translate(None, _SEPARATORS)
    if squeezed.removeprefix(b"+").isalnum():
        return squeezed.upper()
    if b"@" in squeezed and squeezed.isascii() and b"\\" not in squeezed and b"&" not in squeezed:
        return value.strip().lower()
    squeezed = _WIDE_SEPARATORS.sub(b"", value).translate(None, _SEPARATORS)
    if squeezed.removeprefix(b"+").isalnum():
        return squeezed.upper()
    return value.strip().lower() if b"@" in value else value.strip()


def token(value: bytes, entity: str, keys: Keys, tweak: bytes) -> str:
    """Keyed pseudonym: equal values of one entity under one tweak get one token; nothing leads back without the key."""
    mac = _token_mac(keys.token, entity, tweak).copy()
    mac.update(canonical(value))
    return f"tok_{entity}_{mac.hexdigest()[: 2 * _TOKEN_BYTES].translate(_LETTERS)}"


@lru_cache(maxsize=4096)
def _token_mac(key: bytes, entity: str, tweak: bytes) -> hmac.HMAC:
    """HMAC that has read what stands before the value, to be copied; lengths keep a tweak from running into it."""
    head = b"\0".join((b"exeat token v1", entity.encode(), len(tweak).to_bytes(4, "big") + tweak, b""))
    return hmac.new(key, head, "sha256")


@lru_cache(maxsize=8)
def _ff1(reversible: bytes) -> FF1:
    return FF1(hmac.digest(reversible, b"exeat ff1 v1", "sha256"))


def reshape(value: bytes, entity: str, keys: Keys, tweak: bytes) -> bytes | None:
    """Format-preserving: other digits in the same places. None for what is not a number of enough digits."""
    places = [at for at, byte in enumerate(value) if 48 <= byte <= 57]
    if not SHORTEST <= len(places) <= LONGEST or any(chr(byte).isalpha() for byte in value if byte < 128):
        return None
    digits = "".join(chr(value[at]) for at in places)
    out = bytearray(value)
    for at, digit in zip(places, _ff1(keys.reversible).encrypt(digits, entity.encode() + b"\0" + tweak), strict=True):
        out[at] = ord(digit)
    return bytes(out)


def seal(value: bytes, entity: str, keys: Keys, tweak: bytes) -> bytes:
    """Reversible token: AES-SIV (RFC 5297), deterministic; entity and tweak are bound as associated data."""
    sealed = AESSIV(keys.reversible).encrypt(value, [b"exeat reversible v1", entity.encode(), tweak])
    return b"rev_" + entity.encode() + b"_" + base64.b32encode(sealed).rstrip(b"=")


def unseal(sealed: bytes, keys: Keys, tweak: bytes) -> bytes | None:
    """The original of a reversible token made with the same keys and tweak; None for every other text."""
    head, _, body = sealed.rpartition(b"_")
    entity = head.removeprefix(b"rev_")
    if not head.startswith(b"rev_") or not entity:
        return None
    try:
        raw = base64.b32decode(body + b"=" * (-len(body) % 8))
        return AESSIV(keys.reversible).decrypt(raw, [b"exeat reversible v1", entity, tweak])
    except (ValueError, InvalidTag):
        return None


def partial(value: bytes, lead: int, trail: int) -> bytes:
    """Stars for all letters and digits but the first `lead` and last `trail`; separators stay.

    A value with fewer than twice as many letters and digits as would be shown becomes stars altogether.
    """
    places = [at for at, byte in enumerate(value) if byte > 127 or chr(byte).isalnum()]
    shown = lead + trail
    short = len(places) < max(2 * trail, shown + trail)
    hidden = places if short else places[lead : len(places) - trail]
    out = bytearray(value)
    for at in hidden:
        out[at] = _STAR
    return bytes(out)


def replace(operator: Operator, value: bytes, entity: str, keys: Keys, tweak: bytes) -> bytes:
    """The operator on a whole value. `block` is not decided here; it never produces text."""
    if operator.kind == "redact":
        return operator.text.encode() if operator.text else label(entity)
    if operator.rank is Rank.PARTIAL_FOUR:
        return partial(value, 0, 4)
    if operator.rank is Rank.PARTIAL_SIX_FOUR:
        return partial(value, 6, 4)
    if operator.rank is Rank.TOKEN:
        return token(value, entity, keys, tweak).encode()
    if operator.rank is Rank.REVERSIBLE:
        return seal(value, entity, keys, tweak) if 0 < len(value) <= LONGEST_SEALED else label(entity)
    if operator.rank is Rank.FORMAT:
        return reshape(value, entity, keys, tweak) or label(entity)
    if operator.rank is Rank.RESTORE:
        return unseal(value, keys, tweak) or value
    return b""
