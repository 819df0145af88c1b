"""The keys of masking: one file for authz and extproc, so that a token of a request and of a response join.

Default `<state_dir>/keys/masking`, made 0600 at the first start. Whichever process comes first makes it; a lost race
reads the winner's file.
"""

import contextlib
import os
from pathlib import Path

from masking.keys import Keys
from runtime.errors import GatewayError
from runtime.fileio import private_dir, sync_dir
from runtime.settings import Settings


class NoMaskingKeys(GatewayError):
    """The key file cannot be read. Nothing is masked with other keys instead."""

    code = "no_masking_keys"


def masking_keys(settings: Settings) -> Keys:
    """Raises NoMaskingKeys, or BadKeys for a file of another form."""
    named = settings.masking.key_file
    path = named or settings.gateway.state_dir / "keys" / "masking"
    try:
        if named is None and not path.exists():
            _make(path)
        return Keys.parse(path.read_bytes())
    except OSError as error:
        raise NoMaskingKeys(f"{path}: {error.strerror}") from None


def _make(path: Path) -> None:
    private_dir(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(Keys.generate().dump())
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(temporary, path)  # unlike a rename it never replaces a file that is there
    temporary.unlink()
    sync_dir(path.parent)
