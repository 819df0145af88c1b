"""Where snapshots lie: `<state_dir>/snapshots/<hex digest>/` and the link `<state_dir>/current`.

    bundle/         what an engine loads (snapshot.bundle)
    source/         the repository's files as they were read
    manifest.json   {version, digest, commit, files: {path: sha256}}

An OPA server follows `<state_dir>/opa/bundle.tar.gz` with `opa run --server --watch --bundle`: OPA does not notice a
link that moves, but it does notice one file that is replaced, and it takes that file whole. The folder is its own,
because OPA loads again at every change beside the file it watches.

A folder is written under another name and renamed, so what stands under a digest is whole and never changes.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from runtime.errors import GatewayError
from runtime.fileio import atomic_symlink, atomic_write, private_dir, sync_dir
from snapshot import bundle as bundles
from snapshot.repository import Repository

VERSION = 1
HEX = re.compile(r"[0-9a-f]{64}")


class NoSnapshot(GatewayError):
    """No snapshot was ever published here."""

    code = "no_snapshot"


class SnapshotDamaged(GatewayError):
    """Files of a snapshot are missing or not those that were published."""

    code = "snapshot_damaged"


def folder(state_dir: Path, digest: str) -> Path:
    return state_dir / "snapshots" / digest.removeprefix("sha256:")


def current(state_dir: Path) -> str:
    """The digest that `current` names. Raises NoSnapshot. Asked several times for each exchange: no Path is made."""
    try:
        return "sha256:" + os.readlink(f"{state_dir}/current").rpartition("/")[2]
    except OSError:
        raise NoSnapshot(f"{state_dir}/current does not exist: no snapshot was published yet") from None


def move_current(state_dir: Path, digest: str) -> None:
    """The archive first: while the two differ, decisions name the snapshot that made them.

    The one that stops deciding gets the time of it, which its retention begins with.
    """
    with contextlib.suppress(NoSnapshot, OSError):
        before = current(state_dir)
        if before != digest:
            os.utime(folder(state_dir, before))
    archive = bundles.archive(bundles.make(read_source(folder(state_dir, digest))))
    atomic_write(private_dir(state_dir / "opa") / "bundle.tar.gz", archive)
    atomic_symlink(state_dir / "current", f"snapshots/{folder(state_dir, digest).name}")


def write(state_dir: Path, repository: Repository, commit: str) -> Path:
    """Durable on return. A folder that is there already and whole stays; a damaged one is replaced."""
    final = folder(state_dir, repository.digest)
    if final.exists():
        try:
            read_source(final)
        except SnapshotDamaged:
            shutil.rmtree(final)
        else:
            return final
    parent = private_dir(final.parent)
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=parent))
    try:
        _fill(temporary / "source", dict(repository.files))
        _fill(temporary / "bundle", bundles.files(bundles.make(repository)))
        _fill(temporary, {"manifest.json": _manifest(repository, commit)})
        temporary.rename(final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_dir(parent)
    return final


def retired(state_dir: Path, before_us: int) -> list[str]:
    """Digests of snapshots that stopped deciding before then, oldest first; never the current one."""
    try:
        kept = current(state_dir)
    except NoSnapshot:
        return []
    found = []
    for path in (state_dir / "snapshots").iterdir():
        digest, at_us = f"sha256:{path.name}", path.stat().st_mtime_ns // 1000
        if HEX.fullmatch(path.name) and digest != kept and at_us < before_us:
            found.append((at_us, digest))
    return [digest for _, digest in sorted(found)]


def remove(state_dir: Path, digests: Iterable[str]) -> None:
    for digest in digests:
        shutil.rmtree(folder(state_dir, digest))


def read_source(path: Path) -> Repository:
    """The repository of a snapshot's folder (or of the link to it), checked by its name. Raises SnapshotDamaged."""
    path = path.resolve()
    try:
        manifest = json.loads((path / "manifest.json").read_text("utf-8"))
        files = {name: (path / "source" / name).read_bytes() for name in sorted(manifest["files"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise SnapshotDamaged(f"{path} cannot be read") from None
    repository = Repository(files)
    if repository.digest != f"sha256:{path.name}":
        raise SnapshotDamaged(f"{path} holds other files than those that were published under its name")
    return repository


def _manifest(repository: Repository, commit: str) -> bytes:
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in repository.files.items()}
    manifest: dict[str, Any] = {"version": VERSION, "digest": repository.digest, "commit": commit, "files": hashes}
    return json.dumps(manifest, indent=1, sort_keys=True).encode()


def _fill(root: Path, files: dict[str, bytes]) -> None:
    """Writes and syncs; folders too."""
    folders = {root, *(parent for name in files for parent in (root / name).parents if parent.is_relative_to(root))}
    for place in sorted(folders):
        place.mkdir(exist_ok=True, mode=0o700)
    for name, content in files.items():
        with (root / name).open("xb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for place in folders:
        sync_dir(place)
