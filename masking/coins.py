"""Checksums of addresses on the larger block chains: base58check and bech32 (BIP 173, BIP 350)."""

import hashlib

_BASE58 = {char: value for value, char in enumerate(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_BECH32 = {char: value for value, char in enumerate(b"qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_GOOD = (1, 0x2BC830A3)  # what a sound checksum leaves: bech32, bech32m


def base58check(text: bytes) -> int:
    """25 bytes in base 58, the last four the beginning of SHA-256 twice over the others."""
    number = 0
    for byte in text:
        number = number * 58 + _BASE58[byte]
    if number >= 1 << 200:
        return 0
    raw = number.to_bytes(25, "big")
    checksum = hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4]
    return len(text) if checksum == raw[21:] else 0


def bech32(text: bytes) -> int:
    """A prefix, `1`, data, six characters of checksum; all in one case."""
    prefix, _, data = text.lower().rpartition(b"1")
    if text not in (text.lower(), text.upper()) or any(byte not in _BECH32 for byte in data):
        return 0
    values = [byte >> 5 for byte in prefix] + [0] + [byte & 31 for byte in prefix] + [_BECH32[byte] for byte in data]
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            check ^= term if top >> bit & 1 else 0
    return len(text) if check in _GOOD else 0
