"""The log's signing key: `<state_dir>/keys/log.ed25519` (0600, made when missing) and its public `log.vkey`."""

from pathlib import Path

from audit.log.note import KeyMalformed, Signer
from runtime.errors import GatewayError
from runtime.fileio import atomic_write, private_dir


class LogKeyUnusable(GatewayError):
    code = "log_key_unusable"


def log_signer(state_dir: Path, origin: str) -> Signer:
    """The key of the log named `origin`. Raises LogKeyUnusable: a key is never replaced silently."""
    path = private_dir(state_dir / "keys") / "log.ed25519"
    if not path.exists():
        signer = Signer.generate(origin)
        atomic_write(path, signer.private().encode() + b"\n")
    try:
        signer = Signer.parse(path.read_text("utf-8"))
    except (KeyMalformed, OSError) as error:
        raise LogKeyUnusable(f"{path}: {error}") from None
    if signer.name != origin:
        raise LogKeyUnusable(f"{path} is the key of the log {signer.name!r}, not of {origin!r}: gateway.id was changed")
    public = path.with_suffix(".vkey")
    if not public.exists() or public.read_text("utf-8").strip() != signer.vkey():
        atomic_write(public, signer.vkey().encode() + b"\n", mode=0o644)
    return signer
