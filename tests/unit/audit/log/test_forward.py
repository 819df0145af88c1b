"""The log to a SIEM: at least once, in order, from a cursor that moves last."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.log.forward import CursorDamaged, CursorTaken, Forwarder, Line, SinkAway, SinkRefuses, alone
from audit.read.siem import FORMATS, ecs, ocsf
from console.cli import main
from tests.kit.signed_log import evidence, write_tiles


class ListSink:
    def __init__(self) -> None:
        self.sent: list[str] = []
        self.failing = False
        self.hated: set[str] = set()
        self.closed = 0

    def send(self, lines: Sequence[Line]) -> int:
        if self.failing:
            raise SinkAway("away")
        if self.hated & {line.text for line in lines}:
            raise SinkRefuses("the collector answered 413")
        self.sent += [line.text for line in lines]
        return 0

    def close(self) -> None:
        self.closed += 1


def forwarder(tmp_path: Path, sink: ListSink, count: int = 600) -> Forwarder:
    write_tiles(evidence([n % 2 for n in range(count)]), tmp_path / "tiles")
    return Forwarder(tmp_path / "tiles", tmp_path / "cursor", lambda: sink, FORMATS["ecs"])


def drain(made: Forwarder) -> int:
    total = 0
    while count := made.step():
        total += count
    return total


def test_everything_once_and_in_order(tmp_path: Path):
    sink = ListSink()
    assert drain(forwarder(tmp_path, sink)) == 600
    assert [json.loads(line)["event"]["sequence"] for line in sink.sent] == list(range(600))
    assert forwarder(tmp_path, sink).step() == 0, "the cursor is kept"


def test_what_was_not_taken_is_sent_again(tmp_path: Path):
    sink = ListSink()
    made = forwarder(tmp_path, sink)
    made.step()
    sink.failing = True
    with pytest.raises(SinkAway):
        made.step()
    assert made.at == 256
    sink.failing = False
    assert drain(made) == 344


def test_one_event_that_is_never_taken_costs_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    everything, sink = ListSink(), ListSink()
    drain(forwarder(tmp_path, everything))
    (tmp_path / "cursor").unlink()
    sink.hated = {everything.sent[300], everything.sent[599]}
    made = forwarder(tmp_path, sink)
    assert (drain(made), made.refused) == (600, 2)
    assert sink.sent == [line for line in everything.sent if line not in sink.hated], "the others once, in order"
    told = [record.__dict__["fields"] for record in caplog.records if record.message == "events_refused"]
    assert [(each["first"], each["last"], each["events"]) for each in told] == [(300, 300, 1), (599, 599, 1)]
    assert sink.closed == 3, "one for each bundle"


def test_a_damaged_cursor_is_a_sentence(tmp_path: Path):
    made = forwarder(tmp_path, ListSink(), 3)
    (tmp_path / "cursor").write_bytes(b"\xff")
    with pytest.raises(CursorDamaged, match="holds no number"):
        made.step()


def test_a_log_that_grew_goes_on_in_the_middle_of_a_bundle(tmp_path: Path):
    sink = ListSink()
    assert drain(forwarder(tmp_path, sink, 300)) == 300
    assert drain(forwarder(tmp_path, sink, 310)) == 10
    assert len(sink.sent) == 310


def test_nothing_is_published_yet(tmp_path: Path):
    assert Forwarder(tmp_path, tmp_path / "cursor", ListSink, FORMATS["ecs"]).step() == 0


def test_the_command_goes_on_where_it_stopped(tmp_path: Path):
    write_tiles(evidence([0, 1, 0]), tmp_path / "state" / "log" / "tiles")
    (tmp_path / "exeat.toml").write_text(f'[gateway]\nstate_dir = "{tmp_path / "state"}"\n')
    command = ["-c", str(tmp_path / "exeat.toml"), "audit", "forward", "--format", "ocsf"]
    for _ in range(2):
        done = CliRunner().invoke(main, [*command, "--file", str(tmp_path / "out")])
        assert done.exit_code == 0, done.output
    assert len((tmp_path / "out").read_text().splitlines()) == 3
    for wrong in (
        [],
        ["--hec", "http://splunk.example/x"],
        ["--file", "x", "--name", "../x"],
        ["--syslog", "h:1", "--file", "x"],
    ):
        assert CliRunner().invoke(main, [*command, *wrong]).exit_code == 2


def test_two_do_not_share_a_cursor(tmp_path: Path):
    write_tiles(evidence([0, 1, 0]), tmp_path / "state" / "log" / "tiles")
    (tmp_path / "exeat.toml").write_text(f'[gateway]\nstate_dir = "{tmp_path / "state"}"\n')
    command = ["-c", str(tmp_path / "exeat.toml"), "audit", "forward", "--name", "soc", "--file", str(tmp_path / "out")]
    cursor = tmp_path / "state" / "log" / "forward-soc"
    with alone(cursor):
        with pytest.raises(CursorTaken), alone(cursor):
            pass
        done = CliRunner().invoke(main, command)
        assert (done.exit_code, done.output) == (
            1, "the cursor forward-soc is in use: something forwards under this name now\n",
        )  # fmt: skip
        assert not (tmp_path / "out").exists()
    assert CliRunner().invoke(main, command).exit_code == 0


EVENT = {
    "id": "u", "ts": 1_795_180_292_818_771, "kind": "decision", "type": "decision.deny", "gateway": "g", "writer": "w",
    "seq": 3, "exchange": "x", "session": "s", "connection": "ledger",
    "caller": {"issuer": "https://i", "subject": "svc", "agent": "bot"},
    "data": {"effect": "deny", "method": "POST", "path": "/t", "identity": {"email": "a@b.example"},
             "reasons": [{"rule": "r", "message": "No."}]},
}  # fmt: skip


def test_ecs():
    told = ecs(EVENT, 7)
    assert told["@timestamp"] == "2026-11-20T13:11:32.818771Z"
    assert (told["event"]["type"], told["event"]["outcome"], told["event"]["sequence"]) == (["denied"], "failure", 7)
    assert (told["user"]["id"], told["user"]["email"], told["labels"]["agent"]) == ("svc", "a@b.example", "bot")
    assert told["message"] == "decision.deny: No."


def test_ocsf():
    told = ocsf(EVENT, 7)
    assert (told["class_uid"], told["type_uid"], told["category_uid"], told["severity_id"]) == (6003, 600399, 6, 3)
    assert told["time"] == 1_795_180_292_818
    assert told["api"] == {"operation": "POST /t", "service": {"name": "ledger"}, "request": {"uid": "x"}}
    required = {
        "activity_id",
        "actor",
        "api",
        "category_uid",
        "class_uid",
        "metadata",
        "severity_id",
        "src_endpoint",
        "time",
        "type_uid",
    }
    assert required | {"time", "type_uid"} <= set(told)
    other = ocsf({**EVENT, "kind": "lifecycle", "type": "lifecycle.start", "data": {}}, 1)
    assert (other["class_uid"], other["type_uid"]) == (0, 99)
