"""Files that others may read while we write them, and folders that nobody else may read."""

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path


def private_dir(path: Path) -> Path:
    """Makes `path` (and its parents) and closes it to other users (0700)."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def sync_dir(path: Path) -> None:
    """Makes a rename or a new name in `path` durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def atomic_write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Readers see the old content or the new one, never a part; durable on return."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    sync_dir(path.parent)


def atomic_symlink(path: Path, target: str) -> None:
    """Points `path` at `target` in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    temporary.symlink_to(target)
    temporary.replace(path)
    sync_dir(path.parent)


def exclusive(path: Path) -> int:
    """Locks the file at `path` until the handle that is returned is closed. Raises BlockingIOError: somebody has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle
