"""Bodies in a content encoding, flushed after each part as servers of event streams do."""

import zlib
from collections.abc import Callable, Iterable, Iterator

import brotli


def packer(encoding: str) -> Callable[[Iterable[bytes]], Iterator[bytes]]:
    return {"gzip": _gzip, "br": _brotli}[encoding]


def _gzip(parts: Iterable[bytes]) -> Iterator[bytes]:
    packing = zlib.compressobj(wbits=31)
    for part in parts:
        yield packing.compress(part) + packing.flush(zlib.Z_SYNC_FLUSH)
    yield packing.flush()


def _brotli(parts: Iterable[bytes]) -> Iterator[bytes]:
    packing = brotli.Compressor(quality=4)
    for part in parts:
        yield packing.process(part) + packing.flush()
    yield packing.finish()
