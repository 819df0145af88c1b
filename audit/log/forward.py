"""The published log to somewhere else, entry by entry, at least once: a cursor of its own moves after the sink has it.

Reads the tiles, so it needs no ClickHouse, and sees only what is signed. Where to: sinks.py.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from audit.log.sequence import read_checkpoint
from audit.log.tiles import WIDTH, TileReader, unpack
from runtime import log
from runtime.errors import GatewayError
from runtime.fileio import atomic_write, exclusive, private_dir

Format = Callable[[Mapping[str, Any], int], dict[str, Any]]
REFUSING = ("deny", "refused")

logger = log.get("forward")


class SinkAway(GatewayError):
    """It did not take the events, or we do not know: they are sent again."""

    code = "sink_away"


class SinkRefuses(GatewayError):
    """It will not take these events however often they are sent: too large, or not to its mind."""

    code = "sink_refuses"


class CursorDamaged(GatewayError):
    code = "cursor_damaged"


class CursorTaken(GatewayError):
    """Another run of this or another process forwards under the same name."""

    code = "cursor_taken"


class Line(NamedTuple):
    """One event on its way. `us`: unix microseconds; `refusing`: somebody was told no; `text`: JSON."""

    us: int
    type: str
    gateway: str
    refusing: bool
    text: str


class Sink(Protocol):
    def send(self, lines: Sequence[Line]) -> int:
        """They are kept when this returns, all but so many that it will never take. Raises SinkAway, SinkRefuses."""
        ...

    def close(self) -> None: ...


@contextlib.contextmanager
def alone(cursor: Path) -> Iterator[None]:
    """One at a time moves a cursor: of two, each would miss what the other sent. Raises CursorTaken.

    The lock is a file beside it, because the cursor itself is renamed into place.
    """
    private_dir(cursor.parent)
    try:
        handle = exclusive(cursor.with_name(f"{cursor.name}.lock"))
    except BlockingIOError:
        raise CursorTaken(f"the cursor {cursor.name} is in use: something forwards under this name now") from None
    try:
        yield
    finally:
        os.close(handle)


class Forwarder:
    """`step()` sends one bundle (up to 256 entries); 0 when all that is published was sent.

    `refused`: of all that were passed, how many the sink will not take. They stay in the log, and block nothing.
    """

    def __init__(self, root: Path, cursor: Path, sink: Callable[[], Sink], format_: Format) -> None:
        """`sink` is called when there is something to send, and what it gave is closed after the bundle."""
        self._root, self._cursor, self._sink, self._format = root, cursor, sink, format_
        self._reader = TileReader(root)
        self.refused = 0

    @property
    def at(self) -> int:
        """The first log index that was not sent. Raises CursorDamaged."""
        try:
            return int(self._cursor.read_text("utf-8")) if self._cursor.exists() else 0
        except ValueError:
            raise CursorDamaged(f"{self._cursor} holds no number; write the index to go on from") from None

    def step(self) -> int:
        """Raises SinkAway, LogStateLost, CursorDamaged."""
        signed, start = read_checkpoint(self._root), self.at
        if signed is None or start >= signed.size:
            return 0
        index, offset = divmod(start, WIDTH)
        width = min(WIDTH, signed.size - index * WIDTH)
        bodies = unpack(self._reader.read("entries", index, width))[offset:width]
        with contextlib.closing(self._sink()) as sink:
            self._send(sink, start, list(self._lines(start, bodies)))
        return len(bodies)

    def _send(self, sink: Sink, start: int, lines: Sequence[Line]) -> None:
        """Halves what is refused, so that one event that a sink will not take costs only itself."""
        end = start + len(lines)
        try:
            refused = sink.send(lines)
        except SinkRefuses as error:
            if len(lines) > 1:
                half = len(lines) // 2
                self._send(sink, start, lines[:half])
                self._send(sink, start + half, lines[half:])
                return
            refused, why = 1, error.message
        else:
            why = "the collector took the others"
        if refused:
            self.refused += refused
            fields = {"cursor": self._cursor.name, "events": refused, "first": start, "last": end - 1, "message": why}
            logger.warning("events_refused", extra={"fields": fields})
        atomic_write(self._cursor, f"{end}\n".encode())

    def _lines(self, start: int, bodies: Sequence[bytes]) -> Iterator[Line]:
        for index, body in enumerate(bodies, start):
            event = json.loads(body)
            text = json.dumps(self._format(event, index), ensure_ascii=False, separators=(",", ":"))
            yield Line(event["ts"], event["type"], event["gateway"], event["data"].get("effect") in REFUSING, text)
