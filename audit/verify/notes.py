"""Opening signed notes (C2SP signed-note) and reading checkpoints (C2SP tlog-checkpoint)."""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.verify.findings import CannotVerify

MAX_NOTE = 64 << 10  # far above 16 post-quantum signatures, which the format says must be accepted
ED25519 = 1


class NoteRefused(ValueError):
    """No trusted key signed this text, or one of them signed something else."""


def verifier_key(vkey: str, kind: int) -> tuple[str, bytes, bytes]:
    """Name, key id and Ed25519 key of a C2SP verifier key, whose key begins with the byte `kind`. Raises ValueError."""
    name, key_id, encoded = vkey.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    if len(raw) != 33 or raw[0] != kind or not name or expected.hex() != key_id:
        raise ValueError
    return name, expected, raw[1:]


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Key":
        """`<name>+<key id>+<base64>`; raises CannotVerify."""
        try:
            return cls(*verifier_key(vkey, ED25519))
        except ValueError:
            raise CannotVerify("not a verifier key (name+id+base64 of an Ed25519 key)") from None


def parse_keys(texts: Iterable[str]) -> list[Key]:
    """Each text may hold several keys, one a line: a log whose key was changed has the newest first."""
    return [Key.parse(line) for text in texts for line in (text.split() or [text])]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes
    source: str = ""  # where it was kept


def open_note(note: str, keys: Iterable[Key]) -> str:
    """The text of a note that at least one of `keys` signed. Raises NoteRefused."""
    if len(note) > MAX_NOTE or any(ord(character) < 32 and character != "\n" for character in note):
        raise NoteRefused("not a note")
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise NoteRefused("not a note: no signatures")
    text += "\n"
    trusted = {(key.name, key.key_id): key for key in keys}
    good = 0
    for line in signatures[:-1].split("\n"):
        name, blob = _signature(line)
        key = trusted.get((name, blob[:4]))
        if key is None:
            continue  # another key's: a witness, or an older or newer one of the log
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(blob[4:], text.encode())
        except InvalidSignature:
            raise NoteRefused(f"the signature of {name} does not fit") from None
        good += 1
    if not good:
        raise NoteRefused("no trusted key signed it")
    return text


def open_checkpoint(note: str, keys: Sequence[Key], source: str = "") -> Checkpoint:
    """Raises NoteRefused."""
    text = open_note(note, keys)
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0]:
        raise NoteRefused("not a checkpoint")
    size, encoded = lines[1], lines[2]
    if not size.isascii() or not size.isdigit() or str(int(size)) != size:
        raise NoteRefused("not a checkpoint: its size is no number")
    try:
        root = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise NoteRefused("not a checkpoint: its root is no base64") from None
    if len(root) != 32:
        raise NoteRefused("not a checkpoint: its root is no SHA-256")
    if lines[0] not in {key.name for key in keys}:
        raise NoteRefused(f"a checkpoint of another log, {lines[0]!r}")
    return Checkpoint(lines[0], int(size), root, source)


def _signature(line: str) -> tuple[str, bytes]:
    mark, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise NoteRefused("not a note: a signature line is malformed") from None
    if mark != "\u2014" or not name or len(blob) < 5:
        raise NoteRefused("not a note: a signature line is malformed")
    return name, blob
