import json
from pathlib import Path

import pytest

from audit.log.note import Signer, checkpoint, handover, sign
from audit.log.tiles import pack
from audit.verify import Key, Report
from audit.verify.handover import followed, in_package, in_tiles, note_in

FIRST, SECOND, THIRD, OTHER = (Signer.generate("gateway.test") for _ in range(4))
GIVEN = [Key.parse(FIRST.vkey())]


def event(note: str) -> bytes:
    return json.dumps({"type": "log.key_rotated", "data": {"note": note}}).encode()


def vkeys(signers: list[Signer]) -> list[Key]:
    return [Key.parse(signer.vkey()) for signer in signers]


def test_a_key_that_was_given_leads_to_all_that_came_after_it():
    report = Report("x")
    notes = [handover(SECOND, THIRD), handover(FIRST, SECOND)]
    assert followed(GIVEN, notes, report) == vkeys([FIRST, SECOND, THIRD])
    assert len(report.notes) == 2
    assert SECOND.key_id.hex() in report.notes[0]


def test_it_never_leads_back():
    assert followed(vkeys([SECOND]), [handover(FIRST, SECOND)]) == vkeys([SECOND])


@pytest.mark.parametrize(
    "note",
    [
        handover(OTHER, SECOND),
        sign(f"gateway.test/key-rotation\n{FIRST.vkey()}\n{OTHER.vkey()}\n", [OTHER]),
        sign(f"gateway.test/key-rotation\n{FIRST.vkey()}\n{OTHER.vkey()}\n", [FIRST]),
        handover(FIRST, SECOND).replace(SECOND.vkey(), OTHER.vkey()),
        handover(FIRST, Signer.generate("another.test")),
        sign(checkpoint("gateway.test/key-rotation", 1, b"r" * 32), [FIRST, OTHER]),
        "",
        "\n\n\n",
    ],
)
def test_what_an_insider_could_write_leads_nowhere(note: str):
    assert followed(GIVEN, [note]) == GIVEN


def test_notes_are_found_in_bundles_and_packages(tmp_path: Path):
    note = handover(FIRST, SECOND)
    bundle = tmp_path / "tile" / "entries" / "000.p" / "3"
    bundle.parent.mkdir(parents=True)
    bundle.write_bytes(pack([b"{}", event(note), b"log.key_rotated"]) + b"\xff")
    assert list(in_tiles(tmp_path)) == ["", note, ""]
    lines = [json.dumps({"body": event(note).decode()}), '{"body": 7, "x": "log.key_rotated"}', "log.key_rotated"]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    assert list(in_package(tmp_path)) == [note]
    assert list(in_package(tmp_path / "none")) == []


@pytest.mark.parametrize("body", ["", "[]", '{"type":"log.key_rotated","data":{"note":7}}', '{"type":"x","data":{}}'])
def test_a_body_without_a_note_has_none(body: str):
    assert note_in(body) == ""
