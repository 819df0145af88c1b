"""The published log to somewhere else, entry by entry, at least once: a cursor of its own moves after the sink has it.

    FileSink     JSON Lines, fsynced before the cursor moves
    HecSink      HTTP event collector as Splunk has it: a POST of {"time", "event"} objects, `Authorization: Splunk …`

Reads the tiles, so it needs no ClickHouse, and sees only what is signed.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx

from audit.log.sequence import read_checkpoint
from audit.log.tiles import WIDTH, TileReader, unpack
from runtime.errors import GatewayError
from runtime.fileio import atomic_write

SECONDS = 20.0
Format = Callable[[Mapping[str, Any], int], dict[str, Any]]


class SinkAway(GatewayError):
    """It did not take the events, or we do not know: they are sent again."""

    code = "sink_away"


class Sink(Protocol):
    def send(self, lines: Sequence[tuple[int, str]]) -> None:
        """(time in microseconds, JSON) of each event. They are kept when this returns. Raises SinkAway."""
        ...


class FileSink:
    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, lines: Sequence[tuple[int, str]]) -> None:
        try:
            with self._path.open("ab") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write("".join(f"{line}\n" for _, line in lines).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SinkAway(f"{self._path}: {error.strerror}") from None


class HecSink:
    def __init__(self, url: str, token: str, client: httpx.Client | None = None) -> None:
        self._url, self._token = url, token
        self._client = client or httpx.Client(timeout=SECONDS, trust_env=False)

    def send(self, lines: Sequence[tuple[int, str]]) -> None:
        body = "".join(f'{{"time":{us / 1e6:.6f},"sourcetype":"exeat","event":{line}}}\n' for us, line in lines)
        try:
            answer = self._client.post(
                self._url, content=body.encode(), headers={"authorization": f"Splunk {self._token}"}
            )
        except httpx.HTTPError as error:
            raise SinkAway(f"the collector does not answer: {type(error).__name__}") from None
        if answer.status_code != 200:
            raise SinkAway(f"the collector answered {answer.status_code}")


class Forwarder:
    """`step()` sends one bundle (up to 256 entries); 0 when all that is published was sent."""

    def __init__(self, root: Path, cursor: Path, sink: Sink, format_: Format) -> None:
        self._root, self._cursor, self._sink, self._format = root, cursor, sink, format_
        self._reader = TileReader(root)

    @property
    def at(self) -> int:
        """The first log index that was not sent."""
        return int(self._cursor.read_text("utf-8")) if self._cursor.exists() else 0

    def step(self) -> int:
        """Raises SinkAway, LogStateLost."""
        signed, start = read_checkpoint(self._root), self.at
        if signed is None or start >= signed.size:
            return 0
        index, offset = divmod(start, WIDTH)
        width = min(WIDTH, signed.size - index * WIDTH)
        bodies = unpack(self._reader.read("entries", index, width))[offset:width]
        self._sink.send(list(self._lines(start, bodies)))
        atomic_write(self._cursor, f"{start + len(bodies)}\n".encode())
        return len(bodies)

    def _lines(self, start: int, bodies: Sequence[bytes]) -> Iterator[tuple[int, str]]:
        for index, body in enumerate(bodies, start):
            event = json.loads(body)
            yield event["ts"], json.dumps(self._format(event, index), ensure_ascii=False, separators=(",", ":"))
