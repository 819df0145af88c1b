"""An upstream of bare bytes: it writes what the case says, piece by piece, and nothing joins the pieces on the way."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

GAP = 0.002  # seconds between two writes: enough for a reader on loopback to take each for itself
_CASE = re.compile(rb"leak-case-(\d+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(frozen=True)
class Play:
    """`head`: the fields of the head, cut or whole. `writes`: the body's pieces; after each `burst` a gap."""

    head: tuple[bytes, ...]
    writes: tuple[bytes, ...]
    burst: int = 1


@dataclass
class RawUpstream:
    port: int = 0
    plays: dict[int, Play] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while request := await _request(reader):
                found = _CASE.search(request)
                await _play(writer, self.plays[int(found[1])] if found else HELLO)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side has hung up
        except Exception as error:
            self.failed.append(repr(error))
        finally:
            writer.close()


HELLO = Play((b"content-type: text/plain\r\n",), (b"hello",))


@asynccontextmanager
async def running() -> AsyncIterator[RawUpstream]:
    upstream = RawUpstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, limit=1 << 20)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Head and body of the next request, b"" when there is none any more."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    if length := _LENGTH.search(head):
        return head + await reader.readexactly(int(length[1]))
    while _CHUNKED.search(head):
        size = int(await reader.readline(), 16)
        head += await reader.readexactly(size + 2)
        if not size:
            break
    return head


async def _play(writer: asyncio.StreamWriter, play: Play) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n")
    for part in (*play.head, b"\r\n"):
        writer.write(part)
        if len(play.head) > 1:
            await asyncio.sleep(GAP)
    for number, data in enumerate(play.writes, 1):
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await writer.drain()
        if number % play.burst == 0:
            await asyncio.sleep(GAP)
    writer.write(b"0\r\n\r\n")
    await writer.drain()
