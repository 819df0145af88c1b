"""Cosignatures of a witness (C2SP tlog-cosignature, cosignature/v1 with Ed25519) on checkpoints of the log. Pure.

A witness signs a checkpoint only if the log grew from the one it signed before. Its line holds a key id, eight bytes of
time (seconds, big endian) and a signature over `cosignature/v1`, `time <seconds>` and the checkpoint's text.
"""

import base64
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.verify.findings import CannotVerify, Finding, Flaw, Report
from audit.verify.notes import MAX_NOTE, Key, NoteRefused, open_checkpoint, verifier_key

COSIGNATURE = 4  # type byte of such keys
SKEW_SECONDS = 300  # two honest clocks differ by less


@dataclass(frozen=True, slots=True)
class Witness:
    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Witness":
        """`<name>+<key id>+<base64>`; raises CannotVerify."""
        try:
            return cls(*verifier_key(vkey, COSIGNATURE))
        except ValueError:
            raise CannotVerify("not a witness's verifier key (name+id+base64 of an Ed25519 key, type 4)") from None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """`at`: unix seconds, as the witness says."""

    size: int
    at: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an entry may be without a cosignature: `seconds`. `now`: unix seconds. `recorded`: when the entry at a
    log index was, in unix seconds, None if that cannot be read."""

    now: int
    seconds: int
    recorded: Callable[[int], int | None]

    def yet_to_come(self, at: int) -> bool:
        return at > self.now + SKEW_SECONDS

    def over(self, newest: Cosigned | None) -> bool:
        """The first entry that came after `newest` waits since both were there. Who cannot say since when, or names a
        time that is yet to come, has waited for too long."""
        at = self.recorded(newest.size if newest else 0)
        if at is None or self.yet_to_come(at):
            return True
        return self.now - max(at, newest.at if newest else 0) > self.seconds


def cosigned(note: str, witness: Witness, keys: Sequence[Key]) -> Cosigned | None:
    """What the witness signed under a checkpoint that the log signed; None if no line is its. Raises NoteRefused."""
    point = open_checkpoint(note, keys)
    text, _, lines = note[:MAX_NOTE].rpartition("\n\n")
    for line in lines.splitlines():
        mark, name, encoded = (*line.split(" ", 2), "", "", "")[:3]
        if mark != "\u2014" or name != witness.name:
            continue
        blob = base64.b64decode(encoded)  # open_checkpoint has seen that it is base64
        if blob[:4] != witness.key_id:
            continue
        at = int.from_bytes(blob[4:12], "big")
        message = f"cosignature/v1\ntime {at}\n{text}\n".encode()
        try:
            Ed25519PublicKey.from_public_bytes(witness.public).verify(blob[12:], message)
        except InvalidSignature:
            raise NoteRefused(f"the cosignature of {witness.name} does not fit") from None
        return Cosigned(point.size, at)
    return None


def judge(
    witness: Witness, kept: Sequence[tuple[str, str]], keys: Sequence[Key], report: Report, *, size: int,
    patience: Patience | None = None, spare: int = 0,
) -> bool:  # fmt: skip
    """Whether the witness vouches for the log as it is, which has `size` entries. `kept`: (where, note).

    Without a cosignature may be what came lately (`patience`), or the newest `spare` entries; of more it is missing.
    """
    newest = _newest(witness, kept, keys, report, patience)
    without = size - newest.size if newest else size
    if newest is not None:
        report.note(f"{witness.name} cosigned {newest.size} entries at {_when(newest.at)}")
    if without > spare and (patience is None or patience.over(newest)):
        since = f"since the one over {newest.size} entries at {_when(newest.at)}" if newest else "of any checkpoint"
        message = f"no cosignature of {witness.name} {since}, though the log has {size} entries"
        report.add(Finding(Flaw.MISSING, message, newest.size if newest else 0))
        return False
    if without > 0:
        report.note(f"{witness.name} vouches for none of the newest {without} entries yet")
    return newest is not None


def _newest(
    witness: Witness, kept: Sequence[tuple[str, str]], keys: Sequence[Key], report: Report, patience: Patience | None
) -> Cosigned | None:
    """The cosignature over most entries. Notes without this witness's line are another's; wrong ones are named."""
    newest: Cosigned | None = None
    for where, note in kept:
        try:
            found = cosigned(note, witness, keys)
        except NoteRefused as error:
            report.add(Finding(Flaw.FORGED, f"the checkpoint kept at {where}: {error}"))
            continue
        if found is None:
            continue
        if patience is not None and patience.yet_to_come(found.at):
            message = f"the cosignature of {witness.name} is of {_when(found.at)}, which is yet to come"
            report.add(Finding(Flaw.FORGED, f"the checkpoint kept at {where}: {message}"))
            continue
        newest = found if newest is None or found.size > newest.size else newest
    return newest


def _when(seconds: int) -> str:
    """Seconds that a stranger wrote may be of no calendar."""
    try:
        return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"
