"""C2SP signed notes with Ed25519, and checkpoints as notes. Pure but for the making of a key.

A note is text, an empty line, and signature lines `— <name> base64(key id ‖ signature)`. The key id is the first four
bytes of SHA-256(name ‖ "\\n" ‖ 0x01 ‖ public key). Keys are kept in the text forms that other C2SP tools read:
`PRIVATE+KEY+<name>+<key id>+<base64>` and, public, `<name>+<key id>+<base64>`.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\x01"  # signature type byte of the C2SP note format


class KeyMalformed(ValueError):
    """The text is not a signing key."""


@dataclass(frozen=True, slots=True)
class Signer:
    name: str
    key: Ed25519PrivateKey

    @classmethod
    def generate(cls, name: str) -> "Signer":
        return cls(_checked(name), Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> "Signer":
        """Reads `private()`; KeyMalformed if it is anything else, or if its key id is not that of its key."""
        try:
            prefix, word, name, key_id, encoded = text.strip().split("+", 4)
            raw = base64.b64decode(encoded, validate=True)
            if (prefix, word, raw[:1]) != ("PRIVATE", "KEY", ED25519):
                raise ValueError
            signer = cls(_checked(name), Ed25519PrivateKey.from_private_bytes(raw[1:]))
        except ValueError:
            raise KeyMalformed("not an Ed25519 note signing key (PRIVATE+KEY+…)") from None
        if signer.key_id.hex() != key_id:
            raise KeyMalformed("the key id does not belong to the key")
        return signer

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self._public()).digest()[:4]

    def private(self) -> str:
        encoded = base64.b64encode(ED25519 + self.key.private_bytes_raw()).decode()
        return f"PRIVATE+KEY+{self.name}+{self.key_id.hex()}+{encoded}"

    def vkey(self) -> str:
        """What verifiers are given, by a way that does not pass through the gateway."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self._public()).decode()}"

    def line(self, text: str) -> str:
        signature = base64.b64encode(self.key_id + self.key.sign(text.encode())).decode()
        return f"\u2014 {self.name} {signature}\n"

    def _public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()


def sign(text: str, signers: Sequence[Signer]) -> str:
    """The signed note over `text`, which must end in a newline."""
    if not text.endswith("\n"):
        raise ValueError("a note's text ends in a newline")
    return text + "\n" + "".join(signer.line(text) for signer in signers)


def checkpoint(origin: str, size: int, root: bytes) -> str:
    """The text of a C2SP tlog-checkpoint."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def handover(old: Signer, new: Signer) -> str:
    """The signed note by which one key of a log hands it to the next: who trusts the old one can follow."""
    return sign(f"{old.name}/key-rotation\n{old.vkey()}\n{new.vkey()}\n", [old, new])


def _checked(name: str) -> str:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise KeyMalformed("a key name is not empty and holds neither spaces nor plus signs")
    return name
