"""What an engine loads: the modules without their tests, and one data document. The same serves a real OPA.

The data document holds each `data/NAME.yaml` as `data.NAME` (of a pack in `packs/x-y/`: `data.packs.x_y.NAME`), except
masking rules, which are no business of the policy, and `data.snapshot.digest`, which every decision carries.
"""

import gzip
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from runtime.errors import GatewayError
from snapshot.located import RepositoryRefused
from snapshot.located import read as read_yaml
from snapshot.repository import MASKING, Repository, is_test

STEP = re.compile(r"[a-z][a-z0-9_]{0,63}")
ENTRY = ("exeat", "decision")


class BundleMissing(GatewayError):
    code = "bundle_missing"


@dataclass(frozen=True)
class Bundle:
    """`digest` names the snapshot; `modules`: Rego source by path."""

    digest: str
    modules: Mapping[str, str]
    data: Mapping[str, Any]


def make(repository: Repository, *, tests: bool = False) -> Bundle:
    """Raises RepositoryRefused."""
    paths = [path for path in repository.modules() if tests or not is_test(path)]
    data: dict[str, Any] = {"snapshot": {"digest": repository.digest}}
    for path in repository.data_files():
        if path != MASKING:
            _put(data, path, read_yaml(repository.text(path), path).plain())
    return Bundle(repository.digest, {path: repository.text(path) for path in paths}, data)


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    pure = PurePosixPath(path)
    steps = [part.replace("-", "_") for part in (*pure.parent.parent.parts, pure.stem)]
    if not all(STEP.fullmatch(step) for step in steps) or steps[0] == "snapshot":
        raise RepositoryRefused(path, 0, "its name cannot be a name in `data`: lower case letters, digits, dashes")
    for step in steps[:-1]:
        data = data.setdefault(step, {}) if isinstance(data, dict) else data
    if not isinstance(data, dict) or steps[-1] in data:
        raise RepositoryRefused(path, 0, f"`data.{'.'.join(steps)}` is given by another file, too")
    data[steps[-1]] = {} if value is None else value


def files(bundle: Bundle) -> dict[str, bytes]:
    """The folder as OPA's `--bundle` takes it (bundle file format: data.json, .manifest, *.rego)."""
    manifest = {"revision": bundle.digest, "roots": [""], "rego_version": 1}
    found = {path: source.encode() for path, source in bundle.modules.items()}
    found["data.json"] = json.dumps(bundle.data, sort_keys=True, ensure_ascii=False).encode()
    found[".manifest"] = json.dumps(manifest).encode()
    return found


def archive(bundle: Bundle) -> bytes:
    """The same as one .tar.gz, byte for byte the same for the same bundle."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in sorted(files(bundle).items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def read(folder: Path) -> Bundle:
    """Reads what `files` wrote. Raises BundleMissing."""
    try:
        modules = {str(path.relative_to(folder)): path.read_text("utf-8") for path in sorted(folder.rglob("*.rego"))}
        data = json.loads((folder / "data.json").read_text("utf-8"))
        return Bundle(str(data["snapshot"]["digest"]), modules, data)
    except (OSError, ValueError, KeyError, TypeError):
        raise BundleMissing(f"{folder} holds no snapshot that can be read") from None
