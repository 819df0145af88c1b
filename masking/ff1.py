"""FF1, format-preserving encryption (NIST SP 800-38G §5.1), for texts of digits: a number stays a number.

The draft of the standard's revision asks for a domain of at least a million values: six digits. FF3 is not offered: it
was broken, and its repair FF3-1 is gone from that draft.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

RADIX = 10
SHORTEST = 6
# Longer than any number that a schema asks for; keeps the round function's numbers small.
LONGEST = 64
_ROUNDS = 10
_BLOCK = 16


class FF1:
    """One key (AES-128, -192 or -256). Encrypts texts of digits under a tweak, keeping their length."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encrypt(self, digits: str, tweak: bytes = b"") -> str:
        return self._run(digits, tweak, range(_ROUNDS), 1)

    def decrypt(self, digits: str, tweak: bytes = b"") -> str:
        return self._run(digits, tweak, range(_ROUNDS - 1, -1, -1), -1)

    def _run(self, digits: str, tweak: bytes, rounds: range, sign: int) -> str:
        n = len(digits)
        if not SHORTEST <= n <= LONGEST or not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"FF1 takes {SHORTEST} to {LONGEST} digits")
        u, v = n // 2, n - n // 2
        width = -(-((RADIX**v - 1).bit_length()) // 8)  # bytes that hold a number of v digits
        take = 4 * -(-width // 4) + 4
        head = bytes((1, 2, 1)) + RADIX.to_bytes(3, "big") + bytes((_ROUNDS, u % 256))
        head += n.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        padding = bytes(-(len(tweak) + width + 1) % _BLOCK)
        left, right = int(digits[:u]), int(digits[u:])
        for turn in rounds:
            size = u if turn % 2 == 0 else v
            source = right if sign > 0 else left
            block = tweak + padding + bytes((turn,)) + source.to_bytes(width, "big")
            y = int.from_bytes(self._expand(self._prf(head + block), take), "big")
            if sign > 0:
                left, right = right, (left + y) % RADIX**size
            else:
                left, right = (right - y) % RADIX**size, left
        return f"{left:0{u}d}{right:0{v}d}"

    def _prf(self, data: bytes) -> bytes:
        """CBC-MAC: the last block of AES-CBC with a zero IV (step 6.ii)."""
        encryptor = Cipher(algorithms.AES(self._key), modes.CBC(bytes(_BLOCK))).encryptor()
        return encryptor.update(data)[-_BLOCK:]

    def _expand(self, block: bytes, size: int) -> bytes:
        """As many bytes as needed out of one block (step 6.iii)."""
        # ECB on single distinct counter blocks is what the standard writes down; no text is encrypted with it.
        encryptor = Cipher(algorithms.AES(self._key), modes.ECB()).encryptor()  # noqa: S305
        out, number = block, int.from_bytes(block, "big")
        for turn in range(1, -(-size // _BLOCK)):
            out += encryptor.update((number ^ turn).to_bytes(_BLOCK, "big"))
        return out[:size]
