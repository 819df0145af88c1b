"""An insider with every right on the database: each thing that can be done to the record is named.

Every test alters a copy of what the real shipper delivered into the real store, and asks the verifier, with the
published log and with the checkpoints in ClickHouse alone.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audit.verify import verify_tiles
from tests.kit import store as store_kit
from tests.kit.insider import Insider, insider
from tests.kit.live_log import shipping

SYNC = "SETTINGS mutations_sync = 2"
COPY = (
    "log_index, writer, seq, epoch, event_id, ts, kind, type, gateway, exchange, session, connection, issuer, subject,"
    " agent, effect, snapshot, body, hash, prev"
)
BOTH = (True, False)  # with the published log, and without


@dataclass
class Copy:
    """A database to tamper with. `writer`, `seq`, `index`: the event that most tests pick."""

    owner: Insider
    name: str
    writer: str = ""
    seq: int = 100
    index: int = 0

    def __post_init__(self) -> None:
        self.writer = self.ask("SELECT any(writer) FROM {db}.events WHERE writer LIKE 'authz-0.%'")
        self.index = self.place(self.writer, self.seq)

    @property
    def this(self) -> str:
        return f"writer = '{self.writer}' AND seq = {self.seq}"

    def place(self, writer: str, seq: int) -> int:
        return self.ask(f"SELECT log_index FROM {{db}}.events WHERE writer = '{writer}' AND seq = {seq}")

    def ask(self, sql: str) -> Any:
        return self.owner.sql(sql.format(db=self.name))[0][0]

    def events(self, change: str) -> None:
        self.owner.sql(f"ALTER TABLE {self.name}.events {change} {SYNC}")

    def table(self, table: str, change: str) -> None:
        self.owner.sql(f"ALTER TABLE {self.name}.{table} {change} {SYNC}")

    def verify(self, *, tiles: bool = True, witness: str = "") -> dict[str, Any]:
        return self.owner.verify(self.name, tiles=tiles, witness=witness)

    def first(self, *, tiles: bool = True) -> tuple[Any, ...]:
        found = self.verify(tiles=tiles)["findings"][0]
        return found["flaw"], found["log_index"], found["writer"], found["seq"]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Insider]:
    folder = tmp_path_factory.mktemp("state")
    with store_kit.running(folder) as store, shipping(store) as live:
        live.record(300, "authz-0", b'{"masked":true}')
        live.record(200, "extproc-0", b"\xff\x00")
        live.until(504)
        assert live.stop() == 0
        assert live.verify().ok
    with insider(folder) as process:
        yield process


@pytest.fixture
def copy(owner: Insider) -> Copy:
    return Copy(owner, owner.copy())


def test_an_untouched_record_is_whole_and_says_what_it_proves(copy: Copy):
    report = copy.verify()
    assert report["ok"], report
    assert report["frames"] == 500
    assert report["confirmed_size"] == report["events"] >= 506
    assert any("insider" in note for note in report["notes"])
    assert copy.verify(tiles=False)["ok"]
    kept = (copy.owner.state / "log" / "tiles" / "checkpoint").read_text()
    witnessed = copy.verify(witness=kept)
    assert witnessed["ok"]
    assert not any("insider" in note for note in witnessed["notes"])


@pytest.mark.parametrize("column", ["subject = 'mallory'", "effect = 'deny'", "exchange = ''", "snapshot = 'x'"])
def test_an_edited_column_is_named(copy: Copy, column: str):
    copy.events(f"UPDATE {column} WHERE {copy.this}")
    for tiles in BOTH:
        assert copy.first(tiles=tiles) == ("edited", copy.index, copy.writer, copy.seq)


def test_an_edited_body_is_named(copy: Copy):
    copy.events(f"""UPDATE body = replaceOne(body, '"effect":"allow"', '"effect":"denyx"') WHERE {copy.this}""")
    for tiles in BOTH:
        assert copy.first(tiles=tiles) == ("edited", copy.index, copy.writer, copy.seq)


def test_an_edited_body_with_all_made_to_fit_is_named(copy: Copy):
    edit = "replaceOne(body, 'ledger', 'pledge')"
    copy.events(f"UPDATE hash = SHA256({edit}), body = {edit}, connection = 'pledge' WHERE {copy.this}")
    for tiles in BOTH:
        assert copy.first(tiles=tiles) == ("edited", copy.index, copy.writer, copy.seq)


def test_an_edited_time_is_named(copy: Copy):
    """Times are keys of the table, so they are changed by putting a row in the place of another."""
    later = COPY.replace(" ts,", " ts + 60,").format()
    oldest = f"ts = (SELECT min(ts) FROM {copy.name}.events WHERE {copy.this})"
    copy.owner.sql(f"INSERT INTO {copy.name}.events ({COPY}) SELECT {later} FROM {copy.name}.events WHERE {copy.this}")
    copy.events(f"DELETE WHERE {copy.this} AND {oldest}")
    for tiles in BOTH:
        assert copy.first(tiles=tiles) == ("edited", copy.index, copy.writer, copy.seq)


def test_a_deleted_row_is_named(copy: Copy):
    copy.events(f"DELETE WHERE {copy.this}")
    assert copy.first() == ("missing", copy.index, copy.writer, copy.seq)
    flaw, _, writer, seq = copy.first(tiles=False)
    assert (flaw, writer, seq) == ("missing", copy.writer, copy.seq)


def test_a_deleted_row_with_all_places_closed_up_is_named(copy: Copy):
    copy.events(f"DELETE WHERE {copy.this}")
    copy.events(f"UPDATE log_index = log_index - 1 WHERE log_index > {copy.index}")
    assert copy.first()[:2] == ("reordered", copy.index)
    flaw, _, writer, seq = copy.first(tiles=False)
    assert (flaw, writer, seq) == ("missing", copy.writer, copy.seq)


def test_a_writer_deleted_whole_is_noticed(copy: Copy):
    writer = copy.ask("SELECT any(writer) FROM {db}.events WHERE writer LIKE 'extproc-0.%'")
    place = copy.place(writer, 1)
    copy.events(f"DELETE WHERE writer = '{writer}'")
    assert copy.first() == ("missing", place, writer, 1)
    assert not copy.verify(tiles=False)["ok"]


def test_two_events_with_their_places_exchanged_are_named(copy: Copy):
    other = copy.place(copy.writer, copy.seq + 1)
    swap = f"log_index = if(log_index = {copy.index}, {other}, {copy.index})"
    copy.events(f"UPDATE {swap} WHERE log_index IN ({copy.index}, {other})")
    assert copy.first()[:2] == ("reordered", copy.index)
    flaw, _, writer, seq = copy.first(tiles=False)
    assert (flaw, writer, seq) == ("reordered", copy.writer, copy.seq)


def test_a_doubled_row_is_named(copy: Copy):
    copy.owner.sql(f"INSERT INTO {copy.name}.events ({COPY}) SELECT {COPY} FROM {copy.name}.events WHERE {copy.this}")
    for tiles in BOTH:
        assert copy.first(tiles=tiles) == ("duplicated", copy.index, copy.writer, copy.seq)


def test_a_forged_row_at_the_end_is_named(copy: Copy):
    end = copy.ask("SELECT max(log_index) + 1 FROM {db}.events")
    forged = COPY.replace("log_index", str(end), 1).replace(" seq,", f" {copy.seq + 1000},", 1)
    copy.owner.sql(f"INSERT INTO {copy.name}.events ({COPY}) SELECT {forged} FROM {copy.name}.events WHERE {copy.this}")
    for tiles in BOTH:
        assert copy.first(tiles=tiles)[:2] == ("forged", end)


def test_a_forged_row_that_continues_its_chain_is_named_by_the_log(copy: Copy):
    """Who can insert rows can also chain them; only the log's signature they cannot make."""
    last = f"(SELECT max(seq) FROM {copy.name}.events WHERE writer = '{copy.writer}')"
    source = f"{copy.name}.events WHERE writer = '{copy.writer}' AND seq = {last}"
    end = copy.ask("SELECT max(log_index) + 1 FROM {db}.events")
    body = (
        "replaceOne(replaceOne(body, concat('\"seq\":', toString(seq)), concat('\"seq\":', toString(seq + 1))),"
        " lower(hex(prev)), lower(hex(hash)))"
    )
    columns = COPY.replace("log_index", str(end), 1).replace(" seq,", " seq + 1,", 1)
    columns = columns.replace("body, hash, prev", f"{body}, SHA256({body}), hash")
    copy.owner.sql(f"INSERT INTO {copy.name}.events ({COPY}) SELECT {columns} FROM {source}")
    assert copy.first() == (
        "forged",
        end,
        copy.writer,
        copy.ask(f"SELECT max(seq) FROM {source[: source.index(' AND')]}"),
    )
    unsigned = copy.verify(tiles=False)
    assert any("not under a checkpoint" in note for note in unsigned["notes"])


def test_a_forged_row_far_away_does_not_keep_the_verifier_busy(copy: Copy):
    forged = COPY.replace("log_index", "9000000000000000000", 1)
    copy.owner.sql(f"INSERT INTO {copy.name}.events ({COPY}) SELECT {forged} FROM {copy.name}.events WHERE {copy.this}")
    for tiles in BOTH:
        assert not copy.verify(tiles=tiles)["ok"]


def test_a_cut_off_end_is_named(copy: Copy):
    last = copy.ask("SELECT max(log_index) FROM {db}.events")
    copy.events(f"DELETE WHERE log_index > {last - 10}")
    assert copy.first(tiles=False)[:2] == ("cut off", last - 9)


def test_a_log_rolled_back_as_a_whole_shows_against_a_checkpoint_kept_elsewhere(copy: Copy):
    """Everything in the database is consistent, and older."""
    kept = (copy.owner.state / "log" / "tiles" / "checkpoint").read_text()
    size = copy.ask("SELECT min(size) FROM {db}.checkpoints")
    copy.events(f"DELETE WHERE log_index >= {size}")
    copy.table("checkpoints", f"DELETE WHERE size > {size}")
    copy.table("frames", f"DELETE WHERE (writer, seq) NOT IN (SELECT writer, seq FROM {copy.name}.events)")
    assert copy.verify(tiles=False)["ok"]
    report = copy.owner.verify(copy.name, tiles=False, witness=kept)
    assert [found["flaw"] for found in report["findings"]] == ["cut off"]


def test_a_forged_checkpoint_is_named(copy: Copy):
    size = copy.ask("SELECT max(size) FROM {db}.checkpoints")
    copy.table("checkpoints", f"UPDATE note = replaceOne(note, '{size}', '{size}0') WHERE size = {size}")
    assert copy.first()[0] == "forged"
    other = copy.owner.copy()
    copy.owner.sql(f"ALTER TABLE {other}.checkpoints UPDATE root = SHA256('x') WHERE 1 {SYNC}")
    assert copy.owner.verify(other)["findings"][0]["flaw"] == "edited"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE content = 'other'", "content"),
        ("UPDATE media = 'text/html'", "type"),
        ("UPDATE idx = 7", "place"),
        ("UPDATE sha256 = SHA256('x')", "hash"),
        ("DELETE", "not there"),
    ],
)
def test_an_altered_frame_is_named(copy: Copy, change: str, problem: str):
    copy.table("frames", f"{change} WHERE {copy.this}")
    finding = copy.verify()["findings"][0]
    assert (finding["flaw"], finding["writer"], finding["seq"]) == ("frame", copy.writer, copy.seq)
    assert problem in finding["message"]


def test_forged_frames_are_named(copy: Copy):
    forged = {"seq": "ordinal", "seq + 1": "ordinal + 1", "seq + 100000": "ordinal"}
    for seq, ordinal in forged.items():
        select = f"writer, {seq}, {ordinal}, exchange, session, direction, idx, at, media, salt, sha256, content"
        copy.owner.sql(
            f"INSERT INTO {copy.name}.frames SELECT {select} FROM audit.frames WHERE {copy.this}",
        )
    assert [found["flaw"] for found in copy.verify()["findings"]] == ["frame"] * 3


def test_altered_tiles_are_named(owner: Insider, tmp_path: Path):
    tiles, vkey = tmp_path / "tiles", (owner.state / "keys" / "log.vkey").read_text()
    shutil.copytree(owner.state / "log" / "tiles", tiles)
    assert verify_tiles(tiles, [vkey]).ok
    bundle = tiles / "tile" / "entries" / "000"
    content = bundle.read_bytes()
    bundle.write_bytes(content.replace(b'"subject":"alice"', b'"subject":"bobby"', 1))
    finding = verify_tiles(tiles, [vkey]).findings[0]
    assert finding.flaw == "edited"
    assert finding.seq is not None
    bundle.write_bytes(content[:-5])
    assert verify_tiles(tiles, [vkey]).findings[0].log_index == 255
    bundle.write_bytes(content)
    tile = tiles / "tile" / "0" / "000"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    finding = verify_tiles(tiles, [vkey]).findings[0]
    assert (finding.flaw, finding.log_index) == ("edited", 0)
    tile.unlink()
    assert not verify_tiles(tiles, [vkey]).ok
