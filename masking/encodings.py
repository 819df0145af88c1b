"""Content encodings (RFC 9110 §8.4) undone while streaming: what is masked is what the client would have read.

Masked bodies leave as they are read, without an encoding. Expansion is bounded: 1 KB of a hostile body must not become
a gigabyte. A body that ends before its encoding does was cut off, and is refused like one that is broken.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import brotli

from masking.errors import Uninspectable

# Logs and records compress 20 to 100 times; bombs 1000 times (deflate's own limit is 1032) and more.
MAX_RATIO = 200
# … which is looked at only from here on: short bodies of one letter are harmless.
FREE = 8 << 20
MAX_DECODED = 1 << 30
# Decoded bytes handed on at a time.
SLICE = 256 << 10
# A client need not keep a larger window (RFC 9659).
_ZSTD_WINDOW = 23
MAX_LAYERS = 2


class Member(Protocol):
    """One compressed member, as zlib and zstd have it."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, most: int, /) -> bytes: ...


class Decoder:
    """One encoding: bytes in, slices of decoded bytes out. A body may be several compressed members in a row."""

    def __init__(self, make: Callable[[bytes], Member], head: int = 1) -> None:
        self._make, self._head = make, head
        self._current: Member | None = None
        self._start = b""  # too short to tell what it is
        self._taken = self._given = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._taken += len(data)
        data, self._start = self._start + data, b""
        while data:
            if self._current is None:
                if len(data) < self._head:
                    self._start = data
                    return
                self._current = self._make(data)
            member = self._current
            yield from self._member(member, data)
            if not member.eof:
                return
            data, self._current = member.unused_data, None

    def finish(self) -> None:
        """Raises Uninspectable if the end of the body is not an end of the encoding."""
        if self._current is not None or self._start:
            raise Uninspectable("an encoded body ends before its end")

    def _member(self, member: Member, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                part = member.decompress(data, SLICE)
            except Exception as exc:  # zlib.error, brotli.error, ZstdError: no common base
                raise Uninspectable("an encoded body is broken") from exc
            data = getattr(member, "unconsumed_tail", b"")  # zlib; the others keep it themselves
            self._given += len(part)
            bounded(self._given, self._taken)
            if part:
                yield part
            if member.eof or (len(part) < SLICE and not data):
                return


def bounded(given: int, taken: int) -> None:
    if given > MAX_DECODED or given > max(FREE, MAX_RATIO * taken):
        raise Uninspectable("an encoded body expands too far")


class _Brotli:
    """brotli's decoder under the names of the others. Nothing may follow its end."""

    unused_data = b""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished())

    def decompress(self, data: bytes, most: int) -> bytes:
        return bytes(self._decoder.process(data, output_buffer_limit=most))


class Chain:
    """The decoders of a Content-Encoding, in the order in which they are to be applied."""

    def __init__(self, encoding: str) -> None:
        """Raises Uninspectable for what cannot be undone."""
        names = [name.strip().lower() for name in encoding.split(",")]
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > MAX_LAYERS:
            raise Uninspectable("a body is encoded too many times")
        self._decoders = [_decoder(name) for name in reversed(names)]
        self._taken = self._given = 0

    def __bool__(self) -> bool:
        return bool(self._decoders)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The next bytes as they were before all encodings."""
        self._taken += len(data)
        for part in self._through(0, data):
            self._given += len(part)
            if self:
                bounded(self._given, self._taken)
            yield part

    def finish(self) -> None:
        for decoder in self._decoders:
            decoder.finish()

    def _through(self, layer: int, data: bytes) -> Iterator[bytes]:
        if layer == len(self._decoders):
            yield data
            return
        for part in self._decoders[layer].feed(data):
            yield from self._through(layer + 1, part)


def _decoder(name: str) -> Decoder:
    if name in ("gzip", "x-gzip"):
        return Decoder(lambda head: zlib.decompressobj(wbits=31))
    if name == "deflate":
        return Decoder(_deflate, head=2)
    if name == "br":
        return Decoder(lambda head: _Brotli())
    if name == "zstd":
        return Decoder(_zstd)
    raise Uninspectable("a body in this content encoding cannot be looked into")


def _deflate(head: bytes) -> Any:
    """`deflate` means zlib (RFC 9110 §8.4.1.2), but some senders leave its two header bytes out."""
    is_zlib = head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0
    return zlib.decompressobj(wbits=15 if is_zlib else -15)


def _zstd(head: bytes) -> Any:
    try:
        from compression import zstd  # Python 3.14
    except ImportError:
        from backports import zstd
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})
