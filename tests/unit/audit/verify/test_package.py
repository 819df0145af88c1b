import base64
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from audit.log.note import checkpoint, sign
from audit.log.tree import Tree, leaf_hash
from audit.verify import CannotVerify, Flaw, Report, verify_package
from audit.verify.__main__ import main
from audit.write.chain import Head, extend
from audit.write.event import Draft, Frame, Kind, compose
from tests.kit.signed_log import SIGNER, Evidence, fields, row, write_tiles

SALT = b"s" * 16
FRAME = Frame(0, 1_000_000, "request", "text/plain", b"\xffcontent")


def with_frame() -> Evidence:
    """Three events of one writer; the second names a frame."""
    head, bodies = Head("w0.00000000", "gateway.test", epoch=1), []
    framed, plain = Draft(Kind.FRAME, "frame.recorded", "x", "s", frames=(FRAME,)), Draft(Kind.FRAME, "t", "y", "s")
    for number, item in enumerate(
        [
            fields(head, 0),
            compose(framed, event_id="00000000-0000-7000-8000-000000000001", ts_us=1, salts=[SALT]).fields,
            compose(plain, event_id="00000000-0000-7000-8000-000000000002", ts_us=1, salts=[]).fields,
        ]
    ):
        head, body = extend(head, item)
        bodies.append(body)
        assert head.seq == number + 1
    tree, notes = Tree(), {}
    for body in bodies:
        tree.append(leaf_hash(body))
        notes[tree.size] = sign(checkpoint("gateway.test", tree.size, tree.root()), [SIGNER])
    return Evidence([row(index, body) for index, body in enumerate(bodies)], notes)


def lines(path: Path, items: list[dict]) -> None:
    path.write_text("".join(json.dumps(item) + "\n" for item in items))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = with_frame()
    write_tiles(made, tmp_path / "tiles")
    events = [
        {"log_index": r.log_index, "writer": r.writer, "seq": r.seq, "body": r.body.decode(), "hash": r.hash.hex()}
        for r in made.rows
    ]
    lines(tmp_path / "events.jsonl", events)
    frame = {"writer": "w0.00000000", "seq": 2, "ordinal": 0, "direction": "request", "idx": 0, "at": 1_000_000}
    frame |= {"media": "text/plain", "salt": SALT.hex(), "content": base64.b64encode(FRAME.content).decode()}
    frame |= {"sha256": hashlib.sha256(SALT + FRAME.content).hexdigest()}
    lines(tmp_path / "frames.jsonl", [frame])
    lines(tmp_path / "checkpoints.jsonl", [{"gateway": "gateway.test", "note": made.notes[2]}])
    (tmp_path / "log.vkey").write_text(SIGNER.vkey() + "\n")
    manifest(tmp_path, "all")
    return tmp_path


def manifest(folder: Path, scope: str) -> None:
    fields = {"format": "exeat-evidence/1", "gateway": "gateway.test", "scope": scope}
    (folder / "manifest.json").write_text(json.dumps(fields))


def edit(folder: Path, name: str, number: int, **changes) -> None:
    items = [json.loads(line) for line in (folder / name).read_text().splitlines()]
    items[number] |= changes
    lines(folder / name, items)


def first(folder: Path, *vkeys: str) -> tuple[Flaw, int | None, int | None]:
    found = verify_package(folder, vkeys).findings[0]
    return found.flaw, found.log_index, found.seq


def test_a_whole_package_is_confirmed_offline(folder: Path):
    report = verify_package(folder, [SIGNER.vkey()])
    assert report.ok, report.lines()
    assert (report.events, report.frames, report.confirmed_size) == (3, 1, 3)
    assert any("insider" in note for note in report.notes)


def test_a_key_that_came_with_the_package_is_said_to_have(folder: Path):
    assert any("key came with the package" in note for note in verify_package(folder).notes)


def test_altered_lines_are_named(folder: Path):
    body = json.loads((folder / "events.jsonl").read_text().splitlines()[1])["body"]
    edit(folder, "events.jsonl", 1, body=body.replace("frame.recorded", "frame.forged"))
    assert first(folder) == (Flaw.EDITED, 1, 2)
    edit(folder, "events.jsonl", 1, body=body)
    edit(folder, "frames.jsonl", 0, content=base64.b64encode(b"other").decode())
    assert first(folder) == (Flaw.FRAME, 1, 2)


def test_missing_lines_are_named(folder: Path):
    text = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    (folder / "events.jsonl").write_text(text[0] + text[2])
    assert first(folder) == (Flaw.MISSING, 1, 2)
    (folder / "events.jsonl").write_text("".join(text))
    (folder / "frames.jsonl").unlink()
    assert first(folder) == (Flaw.FRAME, 1, 2)


def test_the_order_of_lines_means_nothing(folder: Path):
    text = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    (folder / "events.jsonl").write_text("".join(reversed(text)))
    assert verify_package(folder).ok


def test_a_selection_is_proved_entry_by_entry(folder: Path):
    manifest(folder, "selection")
    shutil.rmtree(folder / "tiles" / "tile" / "entries")  # they hold everybody else's events
    text = (folder / "events.jsonl").read_text().splitlines(keepends=True)
    (folder / "events.jsonl").write_text(text[1])
    report = verify_package(folder, [SIGNER.vkey()])
    assert report.ok, report.lines()
    assert any("not that none was left out" in note for note in report.notes)
    edit(folder, "events.jsonl", 0, log_index=2)
    assert first(folder)[0] is Flaw.EDITED
    edit(folder, "events.jsonl", 0, log_index=7)
    assert first(folder)[0] is Flaw.FORGED
    edit(folder, "events.jsonl", 0, log_index=1, seq=9)
    assert first(folder)[0] is Flaw.EDITED
    shutil.rmtree(folder / "tiles")
    with pytest.raises(CannotVerify):
        verify_package(folder)


def test_a_package_without_tiles_is_checked_against_its_checkpoints(folder: Path):
    shutil.rmtree(folder / "tiles")
    report = verify_package(folder)
    assert report.ok
    assert report.confirmed_size == 2
    edit(folder, "checkpoints.jsonl", 0, note="forged")
    assert first(folder)[0] is Flaw.FORGED


@pytest.mark.parametrize("damage", ["manifest.json", "events.jsonl", "frames.jsonl", "log.vkey"])
def test_what_is_no_package_of_ours_cannot_be_verified(folder: Path, damage: str):
    (folder / damage).write_text("{}\n")
    with pytest.raises(CannotVerify):
        verify_package(folder)
    (folder / damage).write_bytes(b"\xff\n")
    with pytest.raises(CannotVerify):
        verify_package(folder)


def test_from_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["package", str(folder)]) == 0
    assert capsys.readouterr().out.startswith("OK: package")
    assert main(["tiles", str(folder / "tiles"), "--vkey", str(folder / "log.vkey"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]
    witness = folder / "kept"
    witness.write_text(with_frame().notes[3])
    vkey = str(folder / "log.vkey")
    assert main(["tiles", str(folder / "tiles"), "--vkey", vkey, "--witness", str(witness)]) == 0
    assert "insider" not in capsys.readouterr().out
    edit(folder, "events.jsonl", 1, hash="00" * 32)
    assert main(["package", str(folder)]) == 1
    assert "EDITED: log index 1, w0.00000000 seq 2" in capsys.readouterr().out
    for arguments in (["package", "/nowhere"], ["tiles", str(folder)], ["tiles", str(folder), "--vkey", "/nowhere"]):
        assert main(arguments) == 2
        assert capsys.readouterr().err.strip()


def test_a_report_is_for_people_and_for_programs(folder: Path):
    report = verify_package(folder)
    assert isinstance(report, Report)
    assert report.as_dict()["ok"] is True
