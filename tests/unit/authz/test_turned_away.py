"""Envoy's own refusals in the record."""

import asyncio
import contextlib
from pathlib import Path

from audit.write import MemoryRecorder
from authz.turned_away import Counted, watch
from runtime.clock import FixedClock
from tests.kit.envoy import short_folder


def test_only_growth_counts() -> None:
    counted = Counted()
    assert [counted.grown(now) for now in (7, 7, 10, 10, 4, 5)] == [0, 0, 3, 0, 4, 1]


async def test_growth_becomes_one_event() -> None:
    recorder, counter = MemoryRecorder(), iter([5, 5, 905, None, 906])
    asked = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        number = next(counter, 906)
        body = f"ingress_rate.http_local_rate_limit.rate_limited: {number}\n".encode()
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body if number is not None else b"HTTP/1.1 503 x\r\n\r\n")
        writer.close()
        if number == 906:
            asked.set()

    with short_folder() as folder:
        admin = Path(folder) / "admin.sock"
        watching = asyncio.ensure_future(watch(admin, recorder, FixedClock(), 0.01))
        await asyncio.sleep(0.03)  # nobody answers yet
        async with await asyncio.start_unix_server(answer, str(admin)):
            await asyncio.wait_for(asked.wait(), 5)
            while len(recorder.drafts) < 2:
                await asyncio.sleep(0.01)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    assert [draft.data["count"] for draft in recorder.drafts] == [900, 1]
    assert not recorder.drafts[0].reserved
