"""Questions of the house: what may be kept, and what is refused."""

from pathlib import Path

import pytest

from console.saved import MOST, NotKept, Saved, Shelf, Unreadable


def shelf(folder: Path) -> Shelf:
    return Shelf(folder, lambda text: text.replace("SECRET", "[MASKED]"))


def test_kept_by_name_newest_text(tmp_path: Path) -> None:
    ours = shelf(tmp_path)
    assert ours.all() == []
    ours.keep("Zeta", "SELECT 1", "carol")
    ours.keep(" alpha ", "SELECT 2", "carol")
    ours.keep("Zeta", "SELECT 3", "erin")
    assert shelf(tmp_path).all() == [Saved("alpha", "SELECT 2", "carol"), Saved("Zeta", "SELECT 3", "erin")]
    ours.drop("alpha")
    assert (ours.get("alpha"), ours.get("Zeta")) == (None, Saved("Zeta", "SELECT 3", "erin"))


@pytest.mark.parametrize(
    ("name", "sql"),
    [("", "SELECT 1"), ("<i>", "SELECT 1"), ("x" * 81, "SELECT 1"), ("a", ""), ("a", "x" * 20_001)],
)
def test_what_is_no_question_or_no_name(tmp_path: Path, name: str, sql: str) -> None:
    with pytest.raises(NotKept):
        shelf(tmp_path).keep(name, sql, "carol")


@pytest.mark.parametrize(("name", "sql"), [("SECRET", "SELECT 1"), ("a", "SELECT 'SECRET'")])
def test_what_masking_would_take_out_is_not_stored(tmp_path: Path, name: str, sql: str) -> None:
    with pytest.raises(NotKept, match="may not be stored"):
        shelf(tmp_path).keep(name, sql, "carol")
    assert not list(tmp_path.iterdir())


def test_so_many_and_no_more(tmp_path: Path) -> None:
    ours = shelf(tmp_path)
    ours._write([Saved(f"q{number}", "SELECT 1", "carol") for number in range(MOST)])
    ours.keep("q7", "SELECT 2", "carol")
    with pytest.raises(NotKept, match="drop one"):
        ours.keep("another", "SELECT 1", "carol")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "questions.json").write_text("[{}]")
    with pytest.raises(Unreadable, match=r"questions\.json"):
        shelf(tmp_path).all()
