"""What a package carries beside what was chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from audit.read.decisions import Filter
from audit.read.export import EXPLAINING, Published, export
from audit.read.reader import Question, Reader
from audit.verify.__main__ import main
from audit.verify.signatures import GIFTS
from tests.kit.signed_log import SIGNER, evidence, write_tiles
from tests.kit.witness import Witness

CUT, LATER = 20, 25
MADE = evidence([number % 3 for number in range(LATER)])


@pytest.mark.parametrize(
    "type_", ["person.authenticator_added", "person.authenticator_removed", *GIFTS, "standing.over", "standing.revoked"]
)
def test_a_selection_has_what_a_signed_answer_rests_on(type_: str) -> None:
    """The verifier makes a finding of a key, or a standing grant, that no event tells of."""
    assert f"'{type_}'" in EXPLAINING


class Bare:
    """A store that has every event, and shows none."""

    def ask(self, question: Question) -> Sequence[Mapping[str, Any]]:
        return [{"n": CUT}] if " AS n" in question.sql else []


def test_no_signature_of_a_stranger_is_newer_than_the_cut(tmp_path: Path) -> None:
    """The log goes on while it is copied: later checkpoints are cosigned by then."""
    log, folder, stranger = tmp_path / "log", tmp_path / "package", Witness("")
    write_tiles(evidence([number % 3 for number in range(CUT)]), log / "tiles")
    (log / "tiles" / "checkpoint").write_text(MADE.notes[CUT])
    kept = log / "witnesses" / "0a1b2c3d" / "gateway.test"
    kept.mkdir(parents=True)
    for size in (10, CUT, LATER):
        text = MADE.notes[size]
        (kept / f"{size:020d}").write_text(text + stranger.cosign(text.rpartition("\n\n")[0] + "\n"))
    (kept / f".{CUT:020d}.x1").write_text("half of a no")
    (kept / f"{5:020d}").symlink_to(kept / "gone")
    stamped = log / "timestamps" / "gateway.test"
    stamped.mkdir(parents=True)
    for size in (CUT, LATER):
        (stamped / f"{size:020d}.tsr").write_bytes(b"\x30")
    (log / "log.vkey").write_text(SIGNER.vkey())
    (log / "witness.vkey").write_text(stranger.vkey)
    export(cast(Reader, Bare()), folder, "gateway.test", Published(log / "tiles", log / "log.vkey"), Filter(), print)
    assert [path.name for path in sorted((folder / "witnesses").rglob("*")) if path.is_file()] == [
        f"{size:020d}" for size in (10, CUT)
    ]
    assert [path.name for path in (folder / "timestamps").rglob("*.tsr")] == [f"{CUT:020d}.tsr"]
    given = ["--witness", str(folder / "witnesses"), "--cosigner", str(log / "witness.vkey")]
    assert main(["tiles", str(folder / "tiles"), "--vkey", str(log / "log.vkey"), *given]) == 0
