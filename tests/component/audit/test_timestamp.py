"""Checkpoints with the time of a real authority: `openssl ts` signs, our library and openssl itself check."""

import asyncio
import itertools
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from audit.log.boxes import BoxAway, BoxConflict
from audit.log.timestamp import TimestampBox
from tests.kit.serving import free_port, http
from tests.kit.timestamps import Tsa, openssl, tsa

KEY, NOTE = "exeat/00000000000000000042", b"exeat\n42\nroot\n\n- exeat sig\n"
pytestmark = pytest.mark.skipif(not openssl(), reason="no openssl on this machine: it is the timestamp authority here")


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Tsa]:
    (tmp_path / "tsa").mkdir()
    with tsa(tmp_path / "tsa") as made:
        yield made


def test_a_checkpoint_gets_one_time_that_anybody_can_check(authority: Tsa, tmp_path: Path):
    box = TimestampBox(authority.url, authority.roots, tmp_path / "timestamps")
    for _ in range(2):
        box.put(KEY, NOTE)
    assert authority.asked == 1
    ((where, note),) = box.all("exeat")
    assert note == NOTE
    assert "UTC, says http" in where
    stem = tmp_path / "timestamps" / KEY
    command = [openssl(), "ts", "-verify", "-data", f"{stem}.note", "-in", f"{stem}.tsr", "-CAfile", authority.roots]
    assert b"Verification: OK" in subprocess.run(command, capture_output=True, check=True).stdout


def test_another_checkpoint_of_the_same_size_is_a_conflict(authority: Tsa, tmp_path: Path):
    box = TimestampBox(authority.url, authority.roots, tmp_path / "timestamps")
    box.put(KEY, NOTE)
    for _ in range(2):
        with pytest.raises(BoxConflict, match="another checkpoint of the same size"):
            box.put(KEY, NOTE.replace(b"root", b"evil"))
        (tmp_path / "timestamps" / f"{KEY}.tsr").unlink(missing_ok=True)  # as after a crash in between
    box.put(KEY, NOTE)
    assert [note for _, note in box.all("exeat")] == [NOTE]


def test_a_note_that_was_changed_afterwards_does_not_fit(authority: Tsa, tmp_path: Path):
    box = TimestampBox(authority.url, authority.roots, tmp_path / "timestamps")
    box.put(KEY, NOTE)
    (tmp_path / "timestamps" / f"{KEY}.note").write_bytes(NOTE.replace(b"42", b"41"))
    with pytest.raises(BoxAway, match="does not verify"):
        list(box.all("exeat"))


def test_an_authority_of_other_roots_is_not_believed(authority: Tsa, tmp_path: Path):
    (tmp_path / "other").mkdir()
    with tsa(tmp_path / "other") as other, pytest.raises(BoxAway, match="does not verify"):
        TimestampBox(authority.url, other.roots, tmp_path / "timestamps").put(KEY, NOTE)
    assert not (tmp_path / "timestamps").exists()


@pytest.mark.parametrize("answer", [Response(b"no token"), Response(status_code=500), Response(b"x" * 100_000)])
def test_an_answer_that_is_none(authority: Tsa, tmp_path: Path, answer: Response):
    port = free_port()

    async def say(request: object) -> Response:
        return answer

    with http(Starlette(routes=[Route("/", say, methods=["POST"])]), port), pytest.raises(BoxAway):
        TimestampBox(f"http://127.0.0.1:{port}/", authority.roots, tmp_path / "timestamps").put(KEY, NOTE)
    with pytest.raises(BoxAway, match="does not answer"):
        TimestampBox(f"http://127.0.0.1:{port}/", authority.roots, tmp_path / "timestamps").put(KEY, NOTE)


@pytest.mark.parametrize(("pause", "why"), [(0.0, "more than 65536 bytes"), (0.05, "does not answer: TimeoutError")])
def test_an_answer_without_end_is_not_read_to_its_end(tmp_path: Path, pause: float, why: str):
    """Each piece comes in time, the whole never does."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in itertools.count():
            yield b"x" * (1 if pause else 10_000)
            await asyncio.sleep(pause)

    async def say(request: object) -> Response:
        return StreamingResponse(pieces())

    with http(Starlette(routes=[Route("/", say, methods=["POST"])])) as port:
        seconds = 1.0 if pause else 60.0
        box = TimestampBox(f"http://127.0.0.1:{port}/", tmp_path / "none", tmp_path / "timestamps", seconds)
        with pytest.raises(BoxAway, match=why):
            box.put(KEY, NOTE)
