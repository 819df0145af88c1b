"""Checkpoints with the time of a real authority: `openssl ts` signs, our library and openssl itself check."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from audit.log.boxes import BoxAway
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
