"""The lines of an access log by exchange, in so many files that one of them fits into memory.

Which part an exchange belongs to is `CRC32(exchange) % parts`, here and in ClickHouse alike, so that each part's
decisions can be asked for alone. Files hold what the log holds: ids, times and statuses.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from audit.read.access_log import Line

PART_BYTES = 32 << 20  # of the log: about 100,000 lines, and 150 MB with their decisions
MAX_PARTS = 512  # open files
GZIP_RATIO = 16  # about what lines of JSON are packed to


def parts_for(files: Sequence[Path]) -> int:
    size = sum(file.stat().st_size * (GZIP_RATIO if file.suffix == ".gz" else 1) for file in files)
    return min(MAX_PARTS, 1 + size // PART_BYTES)


class Parts:
    def __init__(self, folder: Path, count: int) -> None:
        self.count = count
        self._folder, self._open = folder, ExitStack()
        self._files = [self._new(str(number)) for number in range(count)]
        self._nameless = self._new("nameless")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def keep(self, line: Line) -> None:
        """A line with an exchange goes to its part; of the others only the request id is kept."""
        if line.exchange:
            self._files[zlib.crc32(line.exchange.encode()) % self.count].write(json.dumps(astuple(line)) + "\n")
        elif line.request_id:
            self._nameless.write(json.dumps(line.request_id) + "\n")

    def lines(self, number: int) -> Iterator[Line]:
        for row in self._read(self._files[number]):
            yield Line(*json.loads(row))

    def nameless(self) -> Iterator[str]:
        """Request ids of lines without an exchange."""
        for row in self._read(self._nameless):
            yield str(json.loads(row))

    def _new(self, name: str) -> IO[str]:
        return self._open.enter_context((self._folder / name).open("w+", encoding="ascii"))

    def _read(self, file: IO[str]) -> Iterator[str]:
        file.flush()
        file.seek(0)
        return iter(file)
