"""What an engine loads: modules without tests, data under its names, the snapshot's own name."""

import json
from pathlib import Path

import pytest

from snapshot import bundle
from snapshot.bundle import BundleMissing
from snapshot.located import RepositoryRefused
from snapshot.repository import Repository

FILES = {
    "exeat/a.rego": "package exeat",
    "exeat/a_test.rego": "package exeat_test",
    "data/connections.yaml": "a: {kind: http}",
    "data/masking.yaml": "patterns: of no business to the policy",
    "packs/sql-safety/data/tables.yaml": "[ledger]",
}


def repository(files: dict[str, str]) -> Repository:
    return Repository({path: text.encode() for path, text in sorted(files.items())})


def test_modules_and_data() -> None:
    made = bundle.make(repository(FILES))
    assert list(made.modules) == ["exeat/a.rego"]
    assert made.data == {
        "snapshot": {"digest": made.digest},
        "connections": {"a": {"kind": "http"}},
        "packs": {"sql_safety": {"tables": ["ledger"]}},
    }
    assert list(bundle.make(repository(FILES), tests=True).modules) == ["exeat/a.rego", "exeat/a_test.rego"]


def test_a_folder_reads_back(tmp_path: Path) -> None:
    made = bundle.make(repository(FILES))
    for name, content in bundle.files(made).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert bundle.read(tmp_path) == made
    assert json.loads((tmp_path / ".manifest").read_text())["revision"] == made.digest


def test_a_folder_without_a_bundle_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BundleMissing):
        bundle.read(tmp_path)


@pytest.mark.parametrize(
    ("extra", "place"),
    [
        ({"data/snapshot.yaml": "digest: mine"}, "data/snapshot.yaml"),
        ({"data/Name.yaml": "1"}, "data/Name.yaml"),
        ({"data/a b.yaml": "1"}, "data/a b.yaml"),
        ({"data/packs.yaml": "[1]"}, "packs/sql-safety/data/tables.yaml"),
        ({"data/x-y.yaml": "1", "data/x_y.yaml": "1"}, "data/x_y.yaml"),
    ],
)
def test_names_that_collide_or_are_none_are_refused(extra: dict[str, str], place: str) -> None:
    with pytest.raises(RepositoryRefused) as caught:
        bundle.make(repository({**FILES, **extra}))
    assert caught.value.problem.file == place
