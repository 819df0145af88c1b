"""The directory as it is read: by fixed rules, whole, and nothing that lies elsewhere."""

import os
import subprocess
from pathlib import Path

import pytest

from snapshot import repository
from snapshot.located import RepositoryRefused


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    for name, text in {
        "exeat/a.rego": "package exeat",
        "exeat/a_test.rego": "package exeat_test",
        "data/connections.yaml": "{}",
        "packs/sql/data/tables.yaml": "[]",
        "cases/c.yaml": "cases: []",
        "README.md": "a page",
        "data/README.md": "a page",
        ".git/x.rego": "hidden",
        "LICENSE": "text",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_what_is_read(root: Path) -> None:
    found = repository.read(root)
    assert list(found.files) == [
        "cases/c.yaml",
        "data/connections.yaml",
        "exeat/a.rego",
        "exeat/a_test.rego",
        "packs/sql/data/tables.yaml",
    ]
    assert found.modules() == ["exeat/a.rego", "exeat/a_test.rego"]
    assert found.data_files() == ["data/connections.yaml", "packs/sql/data/tables.yaml"]
    assert found.cases() == ["cases/c.yaml"]


def test_the_digest_is_of_names_and_content_alone(root: Path, tmp_path: Path) -> None:
    before = repository.read(root).digest
    os.utime(root / "exeat/a.rego", (1, 1))
    (root / "README.md").write_text("another page")
    assert repository.read(root).digest == before
    (root / "exeat/a.rego").rename(root / "exeat/b.rego")
    renamed = repository.read(root).digest
    (root / "exeat/b.rego").write_text("package other")
    assert len({before, renamed, repository.read(root).digest}) == 3


def test_the_digest_can_be_recomputed_by_hand(root: Path) -> None:
    script = "(echo exeat-snapshot-1; sha256sum cases/c.yaml data/connections.yaml exeat/a.rego exeat/a_test.rego " + (
        "packs/sql/data/tables.yaml) | sha256sum"
    )
    by_hand = subprocess.run(["sh", "-c", script], cwd=root, capture_output=True, text=True, check=True).stdout
    assert repository.read(root).digest == "sha256:" + by_hand.split()[0]


def test_the_root_may_be_a_link_that_git_sync_moves(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert repository.read(tmp_path / "link").files == repository.read(root).files


@pytest.mark.parametrize("name", ["exeat/x.rego", "data/x.yaml", "exeat/folder", "page.txt"])
def test_a_link_inside_is_refused(root: Path, name: str) -> None:
    (root / name).symlink_to("/etc/hostname" if "." in name else "/etc")
    with pytest.raises(RepositoryRefused, match="symbolic link"):
        repository.read(root)


def test_a_file_above_the_limit_is_refused(root: Path) -> None:
    (root / "exeat/big.rego").write_bytes(b"#" * (repository.MAX_FILE + 1))
    with pytest.raises(RepositoryRefused, match=r"exeat/big\.rego: larger than"):
        repository.read(root)


def test_too_many_files_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MAX_FILES", 4)
    with pytest.raises(RepositoryRefused, match="more than 4 files"):
        repository.read(root)


def test_a_pipe_does_not_hang_the_reader(root: Path) -> None:
    os.mkfifo(root / "exeat/pipe.rego")
    with pytest.raises(RepositoryRefused, match="not a regular file"):
        repository.read(root)


def test_a_data_file_of_another_suffix_would_be_passed_over_in_silence(root: Path) -> None:
    (root / "data/connections.yml").write_text("{}")
    with pytest.raises(RepositoryRefused, match=r"data/connections\.yml"):
        repository.read(root)


def test_folders_without_end_are_refused(root: Path) -> None:
    (root / "/".join("abcdefghij")).mkdir(parents=True)
    with pytest.raises(RepositoryRefused, match="nested deeper"):
        repository.read(root)


def test_no_directory_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RepositoryRefused, match="there is no policy repository"):
        repository.read(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(RepositoryRefused, match="not a directory"):
        repository.read(tmp_path / "file")


def test_text_that_is_not_utf8_says_its_line(root: Path) -> None:
    (root / "exeat/a.rego").write_bytes(b"package exeat\n\n# \xff\n")
    with pytest.raises(RepositoryRefused, match=r"exeat/a\.rego:3: not UTF-8"):
        repository.read(root).text("exeat/a.rego")


def test_the_stamp_changes_with_the_files_and_with_nothing_else(root: Path) -> None:
    before = repository.stamp(root)
    assert repository.stamp(root) == before
    (root / "README.md").write_text("another")
    assert repository.stamp(root) == before
    (root / "exeat/a.rego").write_text("package changed")
    changed = repository.stamp(root)
    assert changed != before
    (root / "exeat/a.rego").unlink()
    assert repository.stamp(root) not in (before, changed)
    assert repository.stamp(root / "nowhere") == repository.stamp(root / "nowhere")


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_is_read_from_gits_files(root: Path, tmp_path: Path) -> None:
    assert repository.commit(root) == "" or root.parents  # tmp folders lie in no repository of ours
    house = tmp_path / "house"
    house.mkdir()
    git(house, "init")
    assert repository.commit(house) == ""
    (house / "policies").mkdir()
    (house / "policies/a.rego").write_text("package a")
    git(house, "add", "-A")
    git(house, "commit", "-m", "one")
    head = git(house, "rev-parse", "HEAD")
    assert repository.commit(house / "policies") == head
    git(house, "pack-refs", "--all")
    assert repository.commit(house / "policies") == head
    git(house, "checkout", "--detach")
    assert repository.commit(house / "policies") == head
    git(house, "worktree", "add", str(tmp_path / "tree"), "-b", "side")
    assert repository.commit(tmp_path / "tree/policies") == head
