"""Check digits of securities and of who trades them: ISIN (ISO 6166), CUSIP, SEDOL, LEI (ISO 17442)."""

from masking.validators import country, luhn, mod97

_VALUES = {char: value for value, char in enumerate(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#")}


def isin(text: bytes) -> int:
    """A country (or XS, EU and the like), nine letters and digits, and Luhn over all of it with letters as numbers."""
    if not (country(text[:2]) or text[:2] in (b"XS", b"EU", b"XA", b"XB", b"XC", b"XD", b"XF", b"QS", b"QT")):
        return 0
    digits = "".join(str(_VALUES[byte]) for byte in text).encode()
    return len(text) if luhn(digits) else 0


def cusip(text: bytes) -> int:
    """Eight characters, every second one doubled, digits of the products added up."""
    total = 0
    for at, byte in enumerate(text[:8]):
        value = _VALUES[byte] * (1 + at % 2)
        total += value // 10 + value % 10
    return len(text) if (10 - total % 10) % 10 == text[8] - 48 else 0


def sedol(text: bytes) -> int:
    """Weights 1 3 1 7 3 9 1."""
    total = sum(_VALUES[byte] * weight for byte, weight in zip(text, (1, 3, 1, 7, 3, 9, 1), strict=True))
    return len(text) if total % 10 == 0 else 0


def lei(text: bytes) -> int:
    return len(text) if mod97(text) and not text.isdigit() else 0
