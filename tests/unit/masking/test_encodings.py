"""Encoded bodies are read while they come, in every splitting, and never become too large."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest

from masking import Uninspectable
from masking.encodings import FREE, SLICE, Chain
from tests.kit import masked_bodies as kit

try:
    from compression import zstd
except ImportError:
    from backports import zstd

JSON = "application/json"
BODY = b'{"card": "4111 1111 1111 1111", "pin": 12, "text": "plain words, and jane.doe@example.com"}'
MASKED = b'{"card": "[CARD]", "pin": "[KEY]", "text": "plain words, and [EMAIL]"}'


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": gzip.compress,
    "deflate": zlib.compress,
    "deflate ": raw_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "identity, gzip": gzip.compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
}
encodings = pytest.mark.parametrize("encoding", PACKED)


@encodings
def test_every_cut_gives_the_masked_whole(encoding: str) -> None:
    packed = PACKED[encoding](BODY)
    assert kit.whole(JSON, packed, encoding=encoding) == MASKED
    for chunks in [*kit.one_cuts(packed), kit.bytewise(packed)]:
        assert kit.streamed(JSON, chunks, encoding=encoding) == MASKED


@encodings
def test_a_body_without_a_byte_is_empty(encoding: str) -> None:
    assert kit.whole("text/plain", b"", encoding=encoding) == b""
    assert kit.whole("text/plain", PACKED[encoding](b""), encoding=encoding) == b""


@encodings
def test_what_is_cut_off_or_broken_is_refused(encoding: str) -> None:
    packed = PACKED[encoding](BODY * 9)
    for broken in (packed[:-1], packed[: len(packed) // 2], packed[:1], b"\xff" * 40, BODY):
        with pytest.raises(Uninspectable):
            kit.whole(JSON, broken, encoding=encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_members_in_a_row(encoding: str) -> None:
    packed = PACKED[encoding](BODY[:20]) + PACKED[encoding](b"") + PACKED[encoding](BODY[20:])
    for chunks in kit.one_cuts(packed):
        assert kit.streamed(JSON, chunks, encoding=encoding) == MASKED


@pytest.mark.parametrize("encoding", ["compress", "dcb", "aws-chunked", "gzip, foo", "gzip;q=1", "gzip, gzip, gzip"])
def test_others_are_refused_before_a_byte_comes(encoding: str) -> None:
    with pytest.raises(Uninspectable):
        kit.masker().stream(JSON, encoding=encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_bombs_are_refused_early(encoding: str) -> None:
    bomb = b"a " * (64 << 20)
    pack = PACKED[encoding.split(",")[0]]
    packed = pack(pack(bomb)) if "," in encoding else pack(bomb)
    chain, given = Chain(encoding), 0
    with pytest.raises(Uninspectable, match="too far"):  # noqa: PT012 - what came before it is measured
        for part in chain.feed(packed):
            assert len(part) <= 4 * SLICE
            given += len(part)
    assert given < FREE + 200 * len(packed)
    assert given < len(bomb) // 2


def test_what_compresses_well_is_no_bomb() -> None:
    rows = b"".join(b'{"id":%d,"state":"open"}\n' % number for number in range(500_000))
    assert len(rows) > FREE
    assert kit.whole("application/x-ndjson", gzip.compress(rows, 1), profile="nothing", encoding="gzip") == rows


def test_what_was_flushed_is_there_at_once() -> None:
    packer = zlib.compressobj(wbits=31)
    stream = kit.masker().stream("text/event-stream", encoding="gzip")
    for number in range(5):
        told = b'data: {"n":%d,"t":"4111 1111 1111 1111 "}\n\n' % number
        out = stream.feed(packer.compress(told) + packer.flush(zlib.Z_SYNC_FLUSH))
        assert out == b'data: {"n":%d,"t":"[CARD] "}\n\n' % number


@pytest.mark.parametrize("coding", ["utf-16", "utf-32"])
def test_nul_bytes_are_seen_behind_an_encoding(coding: str) -> None:
    with pytest.raises(Uninspectable):
        kit.whole("text/plain", gzip.compress("4111 1111 1111 1111".encode(coding)), encoding="gzip")
