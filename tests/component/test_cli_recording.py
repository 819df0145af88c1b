"""Reads by people are events: in one spool, from many commands at once, before the read happens."""

import hashlib
import json
import os
import pwd
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from audit.read.reader import Read
from console.recording import NotRecorded, Recorder, signed_in
from runtime.settings import Settings
from tests.kit.tokens import token

SESSION = "s" * 20


def settings(folder: Path, **sections: object) -> Settings:
    return Settings.model_validate({"gateway": {"state_dir": folder}} | sections)


def recorded(folder: Path) -> list[dict]:
    conn = sqlite3.connect(folder / "spool" / "reads.db")
    rows = conn.execute("SELECT body, hash FROM events ORDER BY seq").fetchall()
    conn.close()
    previous = bytes(32).hex()
    events = []
    for seq, (body, digest) in enumerate(rows, 1):
        event = json.loads(body)
        assert (event["seq"], event["prev"]) == (seq, previous)
        assert hashlib.sha256(body).digest() == digest
        previous = digest.hex()
        events.append(event)
    return events


def test_a_read_is_durable_before_it_happens(tmp_path: Path):
    (tmp_path / "spool").mkdir()
    sql = "SELECT * FROM frames WHERE session = {session:String}"
    Recorder(settings(tmp_path)).read(Read("sessions.replay", sql, {"session": SESSION}))
    start, read = recorded(tmp_path)
    assert start["type"] == "lifecycle.start"
    assert (read["kind"], read["type"], read["session"]) == ("read", "read.sessions.replay", SESSION)
    assert read["caller"]["subject"] == pwd.getpwuid(os.getuid()).pw_name
    assert read["data"]["sql_sha256"] == hashlib.sha256(sql.encode()).hexdigest()
    assert (tmp_path / "spool" / "reads.db").stat().st_mode & 0o777 == 0o600


def test_without_masking_rules_nothing_of_the_text_is_kept(tmp_path: Path):
    (tmp_path / "spool").mkdir()
    Recorder(settings(tmp_path)).read(Read("audit.sql", "SELECT '536-22-1234'", {"a": "536-22-1234"}))
    assert not any(b"536-22" in file.read_bytes() for file in (tmp_path / "spool").iterdir())
    assert recorded(tmp_path)[1]["data"]["parameters"] == {"a": ""}


def test_one_event_for_each_kind_of_question_of_a_command(tmp_path: Path):
    (tmp_path / "spool").mkdir()
    recorder = Recorder(settings(tmp_path))
    for what in ("a", "a", "b", "a"):
        recorder.read(Read(what, "SELECT 1", {}))
    assert [event["type"] for event in recorded(tmp_path)[1:]] == ["read.a", "read.b"]


def test_many_commands_at_once_make_one_chain(tmp_path: Path):
    (tmp_path / "spool").mkdir()
    code = (
        "import sys; from pathlib import Path; from audit.read.reader import Read;"
        "from console.recording import Recorder; from runtime.settings import Settings;"
        "s = Settings.model_validate({'gateway': {'state_dir': Path(sys.argv[1])}});"
        "[Recorder(s).read(Read('x', 'SELECT 1', {})) for _ in range(5)]"
    )
    commands = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [command.wait(60) for command in commands] == [0] * 4
    events = recorded(tmp_path)
    assert [event["type"] for event in events] == ["lifecycle.start", *["read.x"] * 20]
    assert {event["epoch"] for event in events} == {1}


def test_a_full_spool_stops_the_read(tmp_path: Path):
    (tmp_path / "spool").mkdir()
    with pytest.raises(NotRecorded, match="does not happen"):
        fill(settings(tmp_path, spool={"max_bytes": 1 << 20}))


def fill(small: Settings) -> None:
    large = Read("x", "SELECT 1", {f"name-{number}-{'n' * 50}": "" for number in range(800)})
    for _ in range(100):
        Recorder(small).read(large)


def test_elsewhere_than_on_the_gateway_it_says_that_nothing_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    Recorder(settings(tmp_path)).read(Read("x", "SELECT 1", {}))
    assert "not recorded" in capsys.readouterr().err
    assert not (tmp_path / "spool").exists()


def test_a_sign_in_at_the_terminal_is_an_event(tmp_path: Path):
    signed_in(settings(tmp_path), token())  # no spool here: nothing is said, and nothing fails
    (tmp_path / "spool").mkdir()
    signed_in(settings(tmp_path), token(sub="alice", email="alice@bank.example", auth_time=7, amr=["pwd", "otp"]))
    signed_in(settings(tmp_path), "opaque")
    _, told, opaque = recorded(tmp_path)
    assert (told["kind"], told["type"]) == ("person", "person.signed_in")
    said = {name: told["data"][name] for name in ("sub", "email", "auth_time", "amr", "through")}
    assert said == {
        "sub": "alice",
        "email": "alice@bank.example",
        "auth_time": 7,
        "amr": ["pwd", "otp"],
        "through": "cli",
    }
    assert told["caller"]["subject"] == pwd.getpwuid(os.getuid()).pw_name, "nobody has verified the token"
    assert "sub" not in opaque["data"]
