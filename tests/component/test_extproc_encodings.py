"""Upstreams that compress although nobody asked: read, masked and let go through the real Envoy."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import brotli
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from masking import Masker
from snapshot.verdict import Verdict
from tests.component.test_extproc_envoy import gateway
from tests.kit import extproc, masked_bodies
from tests.kit.masks import PlainRules

try:
    from compression import zstd
except ImportError:
    from backports import zstd

pytestmark = pytest.mark.envoy
BODY = b'{"card":"4111 1111 1111 1111","pin":12,"text":"' + b"plain words " * 4000 + b'"}'
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


class RealRules(PlainRules):
    """Like it, with the real masker."""

    def floor(self, verdict: Verdict | None, direction: str) -> Masker:
        return masked_bodies.masker()


def parts() -> extproc.Parts:
    return extproc.Parts(rules=RealRules())


@pytest.mark.parametrize("encoding", PACK)
async def test_a_compressed_answer_is_masked_and_leaves_plain(encoding: str) -> None:
    asked: list[Any] = []

    def answer(request: Request) -> Response:
        asked.append(request.headers.get("accept-encoding"))
        headers = {"content-encoding": encoding, "etag": "x"}
        return Response(PACK[encoding](BODY), media_type="application/json", headers=headers)

    async with gateway(answer, parts()) as gate:
        got = await gate.client.get("/plain/x", headers={"accept-encoding": "identity"})
        assert got.status_code == 200
        assert "content-encoding" not in got.headers
        assert got.content == BODY.replace(b"4111 1111 1111 1111", b"[CARD]").replace(b":12,", b':"[KEY]",')
        await gate.ended()
        assert gate.parts.content("response") == got.content


async def test_events_inside_gzip_come_one_by_one() -> None:
    """The next event is written only when the caller has read the one before."""
    read = asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        packer = zlib.compressobj(wbits=31)
        for number in range(4):
            told = b'data: {"n":%d,"t":"4111 1111 1111 1111 "}\n\n' % number
            yield packer.compress(told) + packer.flush(zlib.Z_SYNC_FLUSH)
            await asyncio.wait_for(read.wait(), 10)
            read.clear()
        yield packer.flush()

    def answer(_: Request) -> Response:
        return StreamingResponse(events(), media_type="text/event-stream", headers={"content-encoding": "gzip"})

    async with gateway(answer, parts()) as gate, gate.client.stream("GET", "/plain/x") as got:
        number = 0
        async for chunk in got.aiter_bytes():
            assert chunk == b'data: {"n":%d,"t":"[CARD] "}\n\n' % number
            number += 1
            read.set()
        assert number == 4


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("compress", b"\x1f\x9d\x90"),
        ("gzip, gzip, gzip", b"x"),
        ("gzip", b"4111 1111 1111 1111"),
        ("gzip", gzip.compress(b"x" * (40 << 20))),
        ("br", brotli.compress(b"x" * (40 << 20))),
        ("zstd", zstd.compress(b"x" * (40 << 20))),
    ],
    ids=["unknown", "layers", "no gzip", "gzip bomb", "br bomb", "zstd bomb"],
)
async def test_what_cannot_be_undone_is_502(encoding: str, body: bytes) -> None:
    def answer(_: Request) -> Response:
        # small bodies that say nothing until the end: a bomb is known before a byte of it went
        return Response(body, media_type="application/json", headers={"content-encoding": encoding})

    async with gateway(answer, parts()) as gate:
        got = await gate.client.get("/openai/v1/x")
        assert got.status_code == 502, got.text
        assert got.json()["error"]["code"] in ("uninspectable", "uninspectable_response")
        assert (await gate.ended())["outcome"] == "refused"


async def test_a_compressed_answer_that_is_cut_off_has_no_end() -> None:
    async def cut() -> AsyncIterator[bytes]:
        packer = zlib.compressobj(wbits=31)
        yield packer.compress(b"first words. ") + packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.compress(b"more")

    def answer(_: Request) -> Response:
        return StreamingResponse(cut(), media_type="text/plain", headers={"content-encoding": "gzip"})

    async with gateway(answer, parts()) as gate:
        try:
            got = await gate.client.get("/plain/x")
        except httpx.RemoteProtocolError:
            return
        assert got.status_code == 502


async def test_what_passes_unread_keeps_its_encoding() -> None:
    packed = gzip.compress(b"\x89PNG")

    def answer(_: Request) -> Response:
        return Response(packed, media_type="image/png", headers={"content-encoding": "gzip"})

    async with gateway(answer, parts()) as gate:
        got = await gate.client.get("/plain/logo.png")
        assert got.headers["content-encoding"] == "gzip"
        assert got.content == b"\x89PNG"
