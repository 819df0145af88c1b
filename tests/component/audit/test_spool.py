"""The spool as services use it: awaited, under concurrency, full, down, restarted."""

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from audit.write import Caller, Draft, EventTooLarge, Frame, Kind, Spool, SpoolDown, SpoolFull, SpoolLocked, open_spool
from runtime.settings import Settings


def spool(tmp_path: Path, **options) -> Spool:
    return Spool(tmp_path / "spool" / "authz.db", "authz-0", "exeat", **options)


def draft(text: str = "x", **options) -> Draft:
    return Draft(Kind.DECISION, "decision.allow", caller=Caller("i", "s", "a"), data={"k": text}, **options)


def stored(tmp_path: Path) -> list[tuple[bytes, bytes]]:
    conn = sqlite3.connect(tmp_path / "spool" / "authz.db")
    rows = conn.execute("SELECT body, hash FROM events ORDER BY seq").fetchall()
    conn.close()
    return rows


def assert_chain(rows: list[tuple[bytes, bytes]]) -> None:
    prev, seq = bytes(32).hex(), 0
    for body, hash_ in rows:
        read = json.loads(body)
        assert hash_ == hashlib.sha256(body).digest()
        assert (read["prev"], read["seq"]) == (prev, seq + 1)
        prev, seq = hash_.hex(), seq + 1


async def test_many_callers_share_commits_and_each_event_is_there_once(tmp_path: Path):
    async with spool(tmp_path) as writer, asyncio.TaskGroup() as group:
        for number in range(500):
            group.create_task(writer.record(draft(str(number)), draft(str(number))))
    rows = stored(tmp_path)
    assert_chain(rows)
    texts = [json.loads(body)["data"].get("k") for body, _ in rows]
    assert sorted(text for text in texts if text) == sorted(str(number) for number in range(500) for _ in "12")


async def test_an_event_is_on_disk_when_record_returns(tmp_path: Path):
    async with spool(tmp_path) as writer:
        await writer.record(draft("here", frames=(Frame(0, 1, "input", "application/json", b"{}"),)))
        assert json.loads(stored(tmp_path)[-1][0])["data"]["k"] == "here"


async def test_a_cancelled_caller_is_still_recorded(tmp_path: Path):
    async with spool(tmp_path) as writer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await writer.record(draft("left"))
        await writer.record(draft("stayed"))
    assert [json.loads(body)["data"].get("k") for body, _ in stored(tmp_path)][1:3] == ["left", "stayed"]


async def test_a_full_spool_refuses_and_trimming_opens_it(tmp_path: Path):
    async with spool(tmp_path, max_bytes=100_000) as writer:
        with pytest.raises(SpoolFull):
            await fill(writer)
        acknowledge(tmp_path, json.loads(stored(tmp_path)[-1][0])["seq"])
        async with asyncio.timeout(20):
            while writer.status().used_bytes > 1000:
                await asyncio.sleep(0.05)
        await writer.record(draft("room again"))
    assert len(stored(tmp_path)) == 2


async def fill(writer: Spool) -> None:
    for _ in range(1000):
        await writer.record(draft("x" * 5000))


def acknowledge(tmp_path: Path, seq: int) -> None:
    writer = json.loads(stored(tmp_path)[0][0])["writer"]
    (tmp_path / "log").mkdir()
    with sqlite3.connect(tmp_path / "log" / "cursor.db") as conn:
        conn.execute("CREATE TABLE acked (writer TEXT PRIMARY KEY, seq INTEGER NOT NULL)")
        conn.execute("INSERT INTO acked VALUES (?,?)", (writer, seq))
    conn.close()


async def test_a_too_large_event_harms_nobody_else(tmp_path: Path):
    async with spool(tmp_path) as writer:
        results = await asyncio.gather(
            writer.record(draft("a")),
            writer.record(draft("x" * 70_000)),
            writer.record(draft("b")),
            return_exceptions=True,
        )
    assert [type(result) for result in results] == [type(None), EventTooLarge, type(None)]


async def test_a_failing_file_closes_the_spool_and_it_comes_back_by_itself(tmp_path: Path):
    async with spool(tmp_path) as writer:
        await writer.record(draft("before"))
        stranger = sqlite3.connect(tmp_path / "spool" / "authz.db", isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(SpoolDown):
            await writer.record(draft("lost, and the caller knows"))
        assert writer.status().down
        with pytest.raises(SpoolDown):
            await writer.record(draft("at once"))
        stranger.execute("ROLLBACK")
        stranger.close()
        async with asyncio.timeout(20):
            while writer.status().down:
                await asyncio.sleep(0.05)
        await writer.record(draft("after"))
    rows = stored(tmp_path)
    assert_chain(rows)
    read = [json.loads(body) for body, _ in rows]
    assert [event["type"] for event in read][1:-1] == ["decision.allow", "lifecycle.recovered", "decision.allow"]
    assert read[2]["data"]["refused"] == 1


async def test_one_chain_over_restarts_and_one_writer_at_a_time(tmp_path: Path):
    for _ in range(3):
        async with spool(tmp_path) as writer:
            await writer.record(draft())
            with pytest.raises(SpoolLocked):
                async with spool(tmp_path):
                    pass
    rows = stored(tmp_path)
    assert_chain(rows)
    assert [json.loads(body)["epoch"] for body, _ in rows] == [1, 1, 1, 2, 2, 2, 3, 3, 3]


async def test_a_closed_spool_refuses(tmp_path: Path):
    writer = spool(tmp_path)
    with pytest.raises(SpoolDown):
        await writer.record(draft())
    async with writer:
        pass
    with pytest.raises(SpoolDown):
        await writer.record(draft())


async def test_settings_place_and_limit_the_spool(tmp_path: Path):
    settings = Settings.model_validate({"gateway": {"id": "g", "state_dir": tmp_path}, "spool": {"max_bytes": 1 << 20}})
    async with open_spool(settings, "authz") as writer:
        await writer.record(draft())
        assert writer.status().max_bytes == 1 << 20
    assert json.loads(stored(tmp_path)[0][0])["gateway"] == "g"
