"""Checkpoints that a witness signs too, after it saw that the log only grew: C2SP tlog-witness, over HTTP.

    <state_dir>/log/witnesses/<key id>/<origin>/<size, 20 digits>     the checkpoint with the witness's line under it

A witness remembers the last checkpoint that it cosigned and refuses one that does not extend it. So who signs another
history later gets no cosignature for it, and that is missing then. The line is a cosignature/v1 (Ed25519): eight bytes
of time, and a signature over `cosignature/v1`, `time <seconds>` and the checkpoint's text.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.log.asking import SECONDS, post
from audit.log.boxes import BoxAway, BoxConflict
from audit.log.note import KeyMalformed
from audit.log.proof import consistency
from audit.log.tiles import TileReader
from runtime.clock import Clock
from runtime.fileio import atomic_write, private_dir

COSIGNATURE = b"\x04"  # signature type byte of Ed25519 cosignatures
MAX_ANSWER = 16 << 10
SKEW_SECONDS = 300  # a line whose time is further from our clock says nothing of when it was made
REFUSALS = {
    400: "says that the request is malformed",
    403: "does not know the key that signed it",
    404: "does not know this log",
    429: "wants to be asked less often",
}


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """`<name>+<key id>+<base64 of 0x04 and the Ed25519 key>`."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "WitnessKey":
        """Raises KeyMalformed."""
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            if len(raw) != 33 or raw[:1] != COSIGNATURE or not name:
                raise ValueError
        except ValueError:
            raise KeyMalformed("not a witness's verifier key (name+id+base64, Ed25519, type 4)") from None
        expected = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if expected.hex() != key_id:
            raise KeyMalformed("the witness's key id does not belong to its key")
        return cls(name, expected, raw[1:])

    def cosigned(self, line: str, text: str) -> int | None:
        """When this key signed `line` over a checkpoint's `text`, as it says, in unix seconds; None if it is another's.
        Raises BoxAway if it is this key's and wrong."""
        mark, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except ValueError:
            return None
        if mark != "\u2014" or name != self.name or blob[:4] != self.key_id:
            return None
        seconds = int.from_bytes(blob[4:12], "big")
        message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(blob[12:], message)
        except InvalidSignature:
            raise BoxAway(f"the cosignature of {self.name} does not verify") from None
        return seconds


class WitnessBox:
    """`url`: the witness's submission prefix. `tiles`: of the published log, for proofs."""

    def __init__(
        self, url: str, vkey: str, tiles: TileReader, folder: Path, clock: Clock, seconds: float = SECONDS
    ) -> None:
        try:
            self._key = WitnessKey.parse(vkey)
        except KeyMalformed as error:
            raise BoxAway(str(error)) from None
        self.name = f"witness {self._key.name}"
        self._url, self._tiles, self._seconds = f"{url.rstrip('/')}/add-checkpoint", tiles, seconds
        self._clock = clock
        self._folder = folder / self._key.key_id.hex()
        self._last: int | None = None  # size that the witness cosigned last, as far as we know

    def put(self, key: str, note: bytes) -> None:
        """Raises BoxAway, and BoxConflict where the witness has seen another history, or one that went on."""
        path = self._folder / key
        try:
            if path.exists():
                if not path.read_bytes().startswith(note):
                    raise BoxConflict(f"{path} holds another checkpoint of the same size")
                return
            if self._last is None:
                self._last = max((int(kept.name) for kept in path.parent.glob("[0-9]*")), default=0)
        except (OSError, ValueError):
            raise BoxAway(f"{path}: cannot be read") from None
        line = self._cosignature(note.decode(), int(path.name))
        try:
            private_dir(path.parent)
            atomic_write(path, note + line.encode())
        except OSError as error:
            raise BoxAway(f"{path}: {error.strerror}") from None

    def all(self, origin: str) -> Iterator[tuple[str, bytes]]:
        """What is kept here; whether the cosignatures are right is the verifier's to say."""
        try:
            for path in sorted((self._folder / origin).glob("[0-9]*")):
                yield str(path), path.read_bytes()
        except OSError as error:
            raise BoxAway(f"{self._folder}: {error.strerror}") from None

    def _cosignature(self, note: str, size: int) -> str:
        """Asks at most twice: the first answer may be how far the witness is."""
        last = min(self._last or 0, size)
        status, answer = self._ask(note, last, size)
        if status == 409:
            theirs = _size(answer)
            if theirs is None:
                raise BoxAway(f"{self.name} answered 409 without its size")
            if theirs > size:
                raise BoxConflict(f"{self.name} cosigned {theirs} entries, here are {size}: the log was put back")
            if theirs == last:
                raise BoxConflict(f"{self.name} cosigned another history of {theirs} entries")
            last = theirs
            status, answer = self._ask(note, last, size)
        if status == 409 and last == size:
            raise BoxConflict(f"{self.name} cosigned another history of {size} entries")
        if status == 422:
            raise BoxConflict(f"{self.name} cosigned {last} entries that this log does not begin with")
        if status != 200:
            raise BoxAway(f"{self.name} {REFUSALS.get(status, 'does not cosign')} (HTTP {status})")
        text = note.rpartition("\n\n")[0] + "\n"
        lines = answer.decode("utf-8", "replace").splitlines()
        signed = ((line, self._key.cosigned(line, text)) for line in lines)
        line, at = next(((line, at) for line, at in signed if at is not None), ("", None))
        if at is None:
            raise BoxAway(f"{self.name} answered without a cosignature of its key")
        if abs(at - self._clock.now_us() // 1_000_000) > SKEW_SECONDS:
            raise BoxAway(f"{self.name} cosigned at a time that is over {SKEW_SECONDS} s from our clock")
        self._last = size
        return f"{line}\n"

    def _ask(self, note: str, last: int, size: int) -> tuple[int, bytes]:
        try:
            proof = consistency(self._tiles, last, size)
        except (OSError, ValueError):
            raise BoxAway("the log's tiles are not whole: no proof for the witness") from None
        lines = [f"old {last}", *(base64.b64encode(hash_).decode() for hash_ in proof), "", ""]
        return post(
            self._url, ("\n".join(lines) + note).encode(), {"content-type": "text/plain"}, MAX_ANSWER, self._seconds
        )


def _size(answer: bytes) -> int | None:
    text = answer.strip()
    return int(text) if text.isdigit() and len(text) <= 19 else None
