"""What ails one target stays with it: it is away, and is tried again."""

import asyncio
from pathlib import Path

import pytest

from audit.forward import forward
from audit.log.forward import alone
from audit.log.sinks import cursor_of
from runtime.settings import ForwardTarget, Settings, parse
from tests.kit.signed_log import evidence, write_tiles


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_tiles(evidence([0, 1, 0]), tmp_path / "log" / "tiles")
    return parse({"gateway": {"state_dir": str(tmp_path)}}, "exeat.toml")


def once(settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Forwards what there is and stops; why the target was away."""
    target = ForwardTarget(name="soc", kind="file", path=tmp_path / "out")

    async def stopping() -> None:
        stop = asyncio.Event()
        stop.set()
        await forward(settings, target, stop)

    caplog.clear()
    asyncio.run(stopping())
    return [record.__dict__["fields"]["message"] for record in caplog.records if record.message == "target_away"]


def test_a_cursor_that_cannot_be_read(settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cursor = cursor_of(settings, "soc")
    cursor.mkdir()
    assert once(settings, tmp_path, caplog) == ["IsADirectoryError"]
    cursor.rmdir()
    cursor.write_text("many")
    assert once(settings, tmp_path, caplog) == [f"{cursor} holds no number; write the index to go on from"]
    cursor.write_text("1")
    assert once(settings, tmp_path, caplog) == []
    assert (tmp_path / "out").read_bytes().count(b"\n") == 2


def test_a_name_that_is_in_use(settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with alone(cursor_of(settings, "soc")):
        (said,) = once(settings, tmp_path, caplog)
    assert "is in use" in said
    assert not (tmp_path / "out").exists()
    assert once(settings, tmp_path, caplog) == []
    assert (tmp_path / "out").read_bytes().count(b"\n") == 3
