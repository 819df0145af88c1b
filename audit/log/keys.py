"""The log's signing key, and how it is changed.

    <state_dir>/keys/log.ed25519        the key that signs (0600, made when missing)
    <state_dir>/keys/log.next.ed25519   while it is changed: both sign, so that the old key vouches for the new one
    <state_dir>/keys/log.vkey           public: one line a key, the newest first; former ones stay for older checkpoints

The order of a change: next key durable → `log.key_rotated` recorded, with a note by which the old key hands the log to
the new one → a checkpoint over it, signed by both → the next key takes the place of the old one, whose private half is
gone. A crash in between repeats the step that it was at.
"""

from pathlib import Path

from audit.log.note import KeyMalformed, Signer
from runtime.errors import GatewayError
from runtime.fileio import atomic_write, private_dir, sync_dir

CURRENT, NEXT, PUBLIC = "log.ed25519", "log.next.ed25519", "log.vkey"


class LogKeyUnusable(GatewayError):
    code = "log_key_unusable"


def log_signer(state_dir: Path, origin: str) -> Signer:
    """The key of the log named `origin`. Raises LogKeyUnusable: a key is never replaced silently."""
    path = private_dir(state_dir / "keys") / CURRENT
    if not path.exists():
        _keep(path, Signer.generate(origin))
    signer = _read(path, origin)
    _publish(path.with_name(PUBLIC), signer)
    return signer


def log_signers(state_dir: Path, origin: str) -> list[Signer]:
    """The key that signs, and the next one while it is changed. Raises LogKeyUnusable."""
    coming = state_dir / "keys" / NEXT
    return [log_signer(state_dir, origin), *([_read(coming, origin)] if coming.exists() else [])]


def changing(state_dir: Path) -> bool:
    return (state_dir / "keys" / NEXT).exists()


def begin_change(state_dir: Path, origin: str) -> Signer:
    """Makes the next key, or takes up a change that was begun. The shipper does the rest."""
    coming = private_dir(state_dir / "keys") / NEXT
    if not coming.exists():
        _keep(coming, Signer.generate(origin))
    return _read(coming, origin)


def end_change(state_dir: Path, origin: str) -> Signer:
    """The next key is the key from now on."""
    folder = state_dir / "keys"
    _publish(folder / PUBLIC, log_signer(state_dir, origin), _read(folder / NEXT, origin))
    (folder / NEXT).replace(folder / CURRENT)
    sync_dir(folder)
    return log_signer(state_dir, origin)


def public_keys(state_dir: Path) -> list[str]:
    """The newest first."""
    path = state_dir / "keys" / PUBLIC
    return path.read_text("utf-8").split() if path.exists() else []


def _publish(path: Path, *signers: Signer) -> None:
    """Adds what is missing; nothing that once signed is ever taken out."""
    known = path.read_text("utf-8").split() if path.exists() else []
    lines = list(known)
    for signer in signers:
        if signer.vkey() not in lines:
            lines.insert(0, signer.vkey())
    if lines != known:
        atomic_write(path, "".join(f"{line}\n" for line in lines).encode(), mode=0o644)


def _keep(path: Path, signer: Signer) -> None:
    atomic_write(path, signer.private().encode() + b"\n")


def _read(path: Path, origin: str) -> Signer:
    try:
        signer = Signer.parse(path.read_text("utf-8"))
    except (KeyMalformed, OSError) as error:
        raise LogKeyUnusable(f"{path}: {error}") from None
    if signer.name != origin:
        raise LogKeyUnusable(f"{path} is the key of the log {signer.name!r}, not of {origin!r}: gateway.id was changed")
    return signer
