from pathlib import Path

import pytest

from audit.log.cursor import Cursor, CursorDamaged, Placed, Published, Quarantined
from audit.log.tree import Tree, leaf_hash
from audit.write import acknowledged


def placed(*items: tuple[str, int]) -> list[Placed]:
    return [Placed(index, writer, seq, leaf_hash(b"x"), b"h" * 32) for index, (writer, seq) in enumerate(items)]


def publish(cursor: Cursor, entries: list[Placed]) -> None:
    tree = Tree()
    for entry in entries:
        tree.append(entry.leaf)
    cursor.plan(entries)
    heads = {entry.writer: (entry.seq, entry.hash) for entry in entries}
    cursor.publish(tree, heads, Published(tree.size, tree.root(), 7, f"note {tree.size}"))


def test_an_entry_goes_from_plan_to_acknowledged(tmp_path: Path):
    path = tmp_path / "cursor.db"
    cursor = Cursor(path, "exeat")
    entries = placed(("one", 1), ("two", 1), ("one", 2))
    cursor.plan(entries)
    assert cursor.planned() == entries
    publish(cursor, entries)
    assert (cursor.planned(), cursor.unshipped(10)) == ([], entries)
    assert (cursor.size(), cursor.shipped()) == (3, 0)
    cursor.ship(2)
    assert (acknowledged(path, "one"), acknowledged(path, "two")) == (1, 1)
    assert cursor.unshipped(10) == entries[2:]
    assert cursor.checkpoints(2) == []
    cursor.ship(3)
    assert acknowledged(path, "one") == 2
    assert [point.note for point in cursor.checkpoints(3)] == ["note 3"]
    cursor.forget_checkpoints(3)
    assert cursor.checkpoints(3) == []
    cursor.close()


def test_everything_is_there_after_opening_again(tmp_path: Path):
    cursor = Cursor(tmp_path / "cursor.db", "exeat")
    publish(cursor, placed(("one", 1), ("two", 1), ("one", 2)))
    tree = cursor.tree()
    cursor.close()
    again = Cursor(tmp_path / "cursor.db", "exeat")
    assert (again.tree().root(), again.tree().size) == (tree.root(), 3)
    assert again.positions() == {"one": (2, b"h" * 32), "two": (1, b"h" * 32)}
    again.close()


def test_quarantine_keeps_the_event_in_full_until_it_is_released(tmp_path: Path):
    cursor = Cursor(tmp_path / "cursor.db", "exeat")
    publish(cursor, placed(("one", 1), ("one", 2)))
    kept = Quarantined("one", 1, 0, "CANNOT_PARSE_TEXT", 7, b"body", "[]")
    cursor.ship(2, [kept])
    assert cursor.quarantined() == [kept]
    assert acknowledged(tmp_path / "cursor.db", "one") == 2  # it is safe here: its writer may trim
    cursor.release("one", 1)
    assert cursor.quarantined() == []
    cursor.close()


def test_what_is_no_database_is_refused_in_one_sentence(tmp_path: Path):
    (tmp_path / "cursor.db").write_bytes(b"rubbish" * 1000)
    with pytest.raises(CursorDamaged, match="made anew"):
        Cursor(tmp_path / "cursor.db", "exeat")
