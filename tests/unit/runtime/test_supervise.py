"""Parts start in order, are kept, and end in the reverse order; each step is a sentence."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from runtime.supervise import Part, PartFailed, Supervisor

SLEEP = "import time; time.sleep(60)"


def program(name: str, code: str, **options: object) -> Part:
    return Part(name, (sys.executable, "-c", code), **options)  # type: ignore[arg-type]


async def ended(pid: int) -> bool:
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":  # dead; whoever adopted it has not looked yet
            return True
        await asyncio.sleep(0.02)
    return False


async def test_they_start_in_order_and_end_in_reverse(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    code = (
        "import signal, sys, time, pathlib\n"
        f"j = pathlib.Path({str(journal)!r})\n"
        "def note(w):\n    with j.open('a') as f: f.write(sys.argv[1] + w)\n"
        "def bye(*a):\n    note('- ')\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, bye); note('+ ')\n"
        "time.sleep(60)\n"
    )

    def noted(name: str) -> Part:
        async def ready() -> bool:
            return journal.exists() and f"{name}+" in journal.read_text()

        return Part(name, (sys.executable, "-c", code, name), ready)

    stop = asyncio.Event()

    async def up() -> None:
        stop.set()

    await Supervisor([noted("a"), noted("b")], tmp_path / "logs", lambda _: None).run(stop, up)
    assert journal.read_text() == "a+ b+ b- a- "


async def test_a_part_that_dies_is_started_again_with_a_sentence(tmp_path: Path) -> None:
    said: list[str] = []
    stop = asyncio.Event()
    supervisor = Supervisor([program("part", SLEEP)], tmp_path / "logs", said.append)

    async def up() -> None:
        return None

    async def kill_once() -> None:
        first = None
        while first is None:
            first = supervisor.pid("part")
            await asyncio.sleep(0.02)
        os.kill(first, signal.SIGKILL)
        while supervisor.pid("part") in (None, first):
            await asyncio.sleep(0.02)
        stop.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run(stop, up))
        group.create_task(kill_once())
    assert any("part was ended by signal SIGKILL" in sentence for sentence in said)


async def test_a_part_that_dies_at_the_start_ends_the_start_with_its_last_words(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    first = program("first", SLEEP)
    bad = program("bad", "import sys; sys.exit('the port is taken')", ready=never)
    supervisor = Supervisor([first, bad], tmp_path / "logs", lambda _: None)
    with pytest.raises(PartFailed, match="bad ended before it was ready: the port is taken"):
        await supervisor.run(asyncio.Event())
    assert supervisor.pid("first") is None


async def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from runtime.supervise import Part, Supervisor\n"
        f"s = Supervisor([Part('x', (sys.executable, '-c', {SLEEP!r}))], pathlib.Path({str(tmp_path)!r}), print)\n"
        "async def up(): print(s.pid('x'), flush=True)\n"
        "asyncio.run(s.run(asyncio.Event(), up))\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    child = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    assert await ended(child)


async def test_a_missing_program_is_one_sentence(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    part = Part("ghost", ("/nonexistent/program",), never)
    with pytest.raises(PartFailed, match="ghost"):
        await Supervisor([part], tmp_path / "logs", lambda _: None).run(asyncio.Event())
