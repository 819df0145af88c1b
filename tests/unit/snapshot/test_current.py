"""What the services load: read again only when the link moves, and never replaced by something worse."""

from pathlib import Path

import pytest

from runtime.settings import Secret
from snapshot import layout
from snapshot.current import Current, load
from snapshot.located import RepositoryRefused
from snapshot.repository import Repository
from tests.kit.policies import FILES

SECRETS = {"key": Secret(file=Path("key"), hosts=["plain.example"], pattern="key-[a-z0-9]{20,}")}


def publish(state: Path, **changes: str) -> str:
    files = {**FILES, **{f"data/{name}.yaml": text for name, text in changes.items()}}
    revision = Repository({path: text.encode() for path, text in sorted(files.items())})
    layout.write(state, revision, "")
    layout.move_current(state, revision.digest)
    return revision.digest


def test_before_the_first_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(layout.NoSnapshot):
        Current(tmp_path, {}).get()


def test_the_same_object_until_the_link_moves(tmp_path: Path) -> None:
    first = publish(tmp_path)
    current = Current(tmp_path, SECRETS)
    snapshot = current.get()
    assert snapshot.digest == first
    assert current.get() is snapshot
    second = publish(tmp_path, roles="others: {groups: [others]}\n")
    assert current.get().digest == second
    assert list(current.get().roles) == ["others"]


def test_one_that_does_not_load_leaves_the_one_before_it(tmp_path: Path) -> None:
    first = publish(tmp_path)
    current = Current(tmp_path, SECRETS)
    assert current.get().digest == first
    publish(tmp_path, connections='plain: {kind: http, upstream: "https://evil.example", credential: key}\n')
    assert current.get().digest == first
    third = publish(tmp_path, roles="others: {groups: [others]}\n")
    assert current.get().digest == third


def test_the_first_one_must_load(tmp_path: Path) -> None:
    publish(tmp_path, connections='plain: {kind: http, upstream: "https://evil.example", credential: key}\n')
    with pytest.raises(RepositoryRefused, match=r"may not be sent to evil\.example"):
        Current(tmp_path, SECRETS).get()


def test_damage_is_noticed(tmp_path: Path) -> None:
    digest = publish(tmp_path)
    path = layout.folder(tmp_path, digest)
    (path / "source/data/connections.yaml").write_text("{}")
    with pytest.raises(layout.SnapshotDamaged):
        load(path, SECRETS)
