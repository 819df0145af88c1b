"""A witness over real HTTP that remembers and refuses: as a target of checkpoints, and in what verify says."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ValidationError
from starlette.responses import Response

from audit.log.boxes import BoxAway, BoxConflict
from audit.log.clickhouse import ClickHouseTarget
from audit.log.offbox import Keeper, boxes, key_of
from audit.log.process import Shipper, open_shipper
from audit.log.sequence import read_checkpoint
from audit.log.tiles import TileReader
from audit.log.witness import WitnessBox
from audit.store.client import writer_client
from audit.verify import Report
from audit.verify.__main__ import main
from audit.verify.notes import parse_keys
from console.verifying import verified
from runtime.clock import FixedClock, SystemClock
from runtime.settings import CheckpointTarget, Settings
from tests.kit import store as store_kit
from tests.kit.live_log import LiveLog
from tests.kit.signed_log import Evidence, evidence, keys, write_tiles
from tests.kit.witness import Witness, witness

MADE = evidence([number % 3 for number in range(300)])
ORIGIN = "gateway.test"


@pytest.fixture
def asked() -> Iterator[Witness]:
    with witness(keys()) as made:
        yield made


def box(asked: Witness, folder: Path, made: Evidence = MADE, late: int = 0) -> WitnessBox:
    """Over a log that is published as far as `made` goes. `late`: seconds that our clock is after the witness's."""
    if not (folder / "tiles").exists():
        write_tiles(made, folder / "tiles", steps=7)
    return WitnessBox(asked.url, asked.vkey, TileReader(folder / "tiles"), folder / "witnesses", clock_of(asked, late))


def clock_of(asked: Witness, late: int = 0) -> FixedClock:
    return FixedClock((asked.now + late) * 1_000_000)


def put(kept: WitnessBox, size: int, made: Evidence = MADE) -> None:
    kept.put(key_of(ORIGIN, size), made.notes[size].encode())


def test_what_the_witness_cosigned_is_kept_once(asked: Witness, tmp_path: Path):
    for _ in range(2):
        put(box(asked, tmp_path), 300)
    ((where, note),) = box(asked, tmp_path).all(ORIGIN)
    text = MADE.notes[300].rpartition("\n\n")[0] + "\n"
    assert note.decode() == MADE.notes[300] + asked.cosign(text)
    assert where.endswith(f"{ORIGIN}/{300:020d}")
    assert asked.asked == [(0, 0)], "a checkpoint is cosigned once, whoever asks again"


def test_a_proof_goes_along_also_after_we_forgot_how_far_the_witness_is(asked: Witness, tmp_path: Path):
    grown = tmp_path / "first"
    put(box(asked, grown, evidence([number % 3 for number in range(37)])), 37)
    forgetful = box(asked, tmp_path / "second")
    put(forgetful, 300)
    assert [old for old, _ in asked.asked] == [0, 0, 37]
    assert asked.asked[-1][1] > 3
    assert asked.seen[ORIGIN] == (300, MADE.checkpoint(300).root)


def test_another_signature_beside_the_witness_s_own_is_passed_over(asked: Witness, tmp_path: Path):
    asked.lines = "\u2014 witness.example/w2 AAAAAAAAAAA=\nnonsense\n"
    put(box(asked, tmp_path), 300)
    ((_, note),) = box(asked, tmp_path).all(ORIGIN)
    assert b"witness.example/w2" not in note


def test_a_log_that_was_put_back_is_a_conflict(asked: Witness, tmp_path: Path):
    put(box(asked, tmp_path / "whole"), 300)
    old = evidence([number % 3 for number in range(200)])
    with pytest.raises(BoxConflict, match="cosigned 300 entries, here are 200"):
        put(box(asked, tmp_path / "old", old), 200, old)


@pytest.mark.parametrize("size", [300, 290])
def test_another_history_is_a_conflict(asked: Witness, tmp_path: Path, size: int):
    put(box(asked, tmp_path / "true"), 300)
    asked.seen[ORIGIN] = (size, b"r" * 32)  # what it cosigned was another tree
    (tmp_path / "true" / "witnesses").rename(tmp_path / "gone")
    with pytest.raises(BoxConflict, match=r"another history|does not begin with"):
        put(box(asked, tmp_path / "true"), 300)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Response("", 404), "does not know this log"),
        (Response("", 403), "does not know the key"),
        (Response("", 500), "HTTP 500"),
        (Response("many", 409), "without its size"),
        (Response("x" * 20_000), "more than 16384 bytes"),
        (Response("\u2014 witness.example/w2 AAAAAAAAAAA=\n"), "without a cosignature"),
        (Response("", 301, headers={"location": "http://127.0.0.1:9/"}), "HTTP 301"),
    ],
)
def test_what_it_does_not_cosign_is_asked_again_later(asked: Witness, tmp_path: Path, answer: Response, says: str):
    asked.answer = answer
    with pytest.raises(BoxAway, match=says):
        put(box(asked, tmp_path), 300)
    asked.answer = None
    put(box(asked, tmp_path), 300)


def test_a_cosignature_of_something_else_is_not_taken(asked: Witness, tmp_path: Path):
    asked.answer = Response(asked.cosign("another text\n"))
    with pytest.raises(BoxAway, match="does not verify"):
        put(box(asked, tmp_path), 300)
    assert not list(box(asked, tmp_path).all(ORIGIN))


@pytest.mark.parametrize("late", [301, -301, 10**8])
def test_a_cosignature_of_another_time_than_ours_is_not_taken(asked: Witness, tmp_path: Path, late: int):
    with pytest.raises(BoxAway, match="over 300 s from our clock"):
        box(asked, tmp_path, late=late).put(key_of(ORIGIN, 300), MADE.notes[300].encode())
    assert not list(box(asked, tmp_path).all(ORIGIN))
    box(asked, tmp_path, late=300).put(key_of(ORIGIN, 300), MADE.notes[300].encode())


def test_a_witness_that_is_not_there_is_told_once_and_stops_nothing(asked: Witness, tmp_path: Path):
    silent = WitnessBox("http://127.0.0.1:9", asked.vkey, TileReader(tmp_path), tmp_path, clock_of(asked), seconds=5)
    keeper = Keeper(silent, ORIGIN, lambda: (300, MADE.notes[300].encode()))
    ((type_, data),) = keeper.step()
    assert (type_, data["target"]) == ("log.checkpoint_target_away", "witness witness.example/w1")
    assert keeper.step() == []


@pytest.mark.parametrize(
    "change", [{"witness_key": ""}, {"endpoint": "ftp://x"}, {"endpoint": None}, {"witness_key": 1}]
)
def test_settings_that_name_no_witness_are_refused(asked: Witness, change: dict[str, object]):
    told = {"kind": "witness", "endpoint": asked.url, "witness_key": asked.vkey}
    assert CheckpointTarget.model_validate(told).kind == "witness"
    given = told | ({"witness_key": asked.vkey.replace("/w1", "/w2")} if change == {"witness_key": 1} else change)
    with pytest.raises(ValidationError):
        CheckpointTarget.model_validate(given)


# beside a real log, in what verify says


@dataclass
class House:
    settings: Settings
    shipper: Shipper
    live: LiveLog
    asked: Witness
    now: int  # unix seconds

    def ship(self) -> None:
        self.live.record(5)
        before = -1
        while self.shipper.sequencer.size > before:
            before = self.shipper.sequencer.size
            self.shipper.sequencer.step()
        while self.shipper.sender.behind():
            self.shipper.sender.step()

    def keep(self) -> None:
        ((_, kept),) = boxes(self.settings, SystemClock())
        signed = read_checkpoint(self.shipper.tiles)
        assert signed is not None
        kept.put(key_of("exeat", signed.size), signed.note.encode())

    def verify(self, later: int = 0) -> Report:
        """`later`: in so many seconds."""
        clock = FixedClock((self.now + later) * 1_000_000)
        return verified(self.settings, None, [], [], clock=clock)

    @property
    def kept(self) -> Path:
        folder = self.settings.gateway.state_dir / "log" / "witnesses"
        (found,) = [path for path in folder.rglob("0*") if path.is_file()]  # a key id may begin with 0, too
        return found


@pytest.fixture
def house(asked: Witness, tmp_path: Path) -> Iterator[House]:
    with store_kit.running(tmp_path / "state") as store:
        told = {"kind": "witness", "endpoint": asked.url, "witness_key": asked.vkey}
        plain = store.settings.model_dump(include={"gateway", "clickhouse"})
        settings = Settings.model_validate({**plain, "checkpoint_targets": [told]})
        target = ClickHouseTarget(lambda: writer_client(settings), "audit")
        shipper = open_shipper(settings, target, SystemClock())
        asked.now = SystemClock().now_us() // 1_000_000
        made = House(settings, shipper, LiveLog(store), asked, asked.now)
        asked.logs = parse_keys([made.live.vkey])
        try:
            yield made
        finally:
            target.close()


def test_verify_names_a_missing_and_a_wrong_cosignature(house: House):
    house.ship()
    assert house.verify().ok, "a log of a minute ago need not be cosigned yet"
    house.keep()
    report = house.verify(later=10_000)
    assert report.ok, report.lines()
    assert any(note.startswith("witness.example/w1 cosigned 7 entries at ") for note in report.notes)
    assert not any("insider" in note for note in report.notes), "there is a witness now"
    house.ship()
    assert house.verify().ok
    ((found),) = house.verify(later=10_000).findings
    assert str(found).startswith(f"MISSING: log index {7}: no cosignature of witness.example/w1 since the one over 7")
    log_only = house.kept.read_text().splitlines(keepends=True)[:-1]
    house.kept.write_text("".join(log_only) + house.asked.cosign("another text\n"))
    wrong = house.verify().findings
    assert ["the cosignature of witness.example/w1 does not fit" in found.message for found in wrong] == [True]


def test_neither_a_deleted_bundle_nor_another_target_silences_the_check(house: House):
    house.ship()
    house.settings.checkpoint_targets.insert(0, away(house.settings.gateway.state_dir))
    assert house.verify().ok
    for bundle in [path for path in (house.shipper.tiles / "tile" / "entries").rglob("*") if path.is_file()]:
        bundle.unlink()
    report = house.verify()
    assert any("a checkpoint target could not be read" in note for note in report.notes)
    assert ["no cosignature of witness.example/w1 of any" in found.message for found in report.findings] == [True]


def away(folder: Path) -> CheckpointTarget:
    """A target whose key file is gone: it must not hide the witness after it."""
    files = {"access_key_file": folder / "none", "secret_key_file": folder / "none"}
    told = {"kind": "s3", "endpoint": "http://127.0.0.1:9", "bucket": "b", **files}
    return CheckpointTarget.model_validate(told)


def test_a_cosignature_from_the_future_does_not_silence_the_check(house: House):
    house.ship()
    house.keep()
    text = house.kept.read_text().rpartition("\n\n")[0] + "\n"
    lines = house.kept.read_text().splitlines(keepends=True)[:-1]
    house.asked.now += 10**8
    house.kept.write_text("".join(lines) + house.asked.cosign(text))
    forged, missing = house.verify(later=10_000).findings
    assert "is yet to come" in forged.message + missing.message
    assert "no cosignature of witness.example/w1 of any checkpoint" in forged.message + missing.message


def test_a_package_takes_the_cosignatures_along(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    house.ship()
    house.keep()
    tiles, vkey = house.shipper.tiles, house.settings.gateway.state_dir / "keys" / "log.vkey"
    (tmp_path / "witness.vkey").write_text(house.asked.vkey + "\n")
    command = ["tiles", str(tiles), "--vkey", str(vkey), "--cosigner", str(tmp_path / "witness.vkey")]
    assert main(command) == 1, "no cosigned checkpoint was given"
    given = [*command, "--witness", str(house.settings.gateway.state_dir / "log" / "witnesses")]
    assert main(given) == 0
    assert "witness.example/w1 cosigned" in capsys.readouterr().out
    house.ship()
    assert main(given) == 1, "what came later is vouched for by nobody"
    assert main([*given, "--uncosigned", "7"]) == 0
    assert "vouches for none of the newest 7 entries" in capsys.readouterr().out
    (tmp_path / "plain").write_text((tiles / "checkpoint").read_text())
    assert main([*given, "--uncosigned", "7", "--witness", str(tmp_path / "plain")]) == 0
