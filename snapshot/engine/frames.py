"""Messages between a worker and its owner: two lengths, a JSON header, bytes.

The payload is apart from the header so that a request's body goes through unread.
"""

import asyncio
import json
import socket
import struct
from typing import Any

LENGTHS = struct.Struct(">II")
MAX_BYTES = 256 << 20  # an owner that asks for more is broken; a policy repository is at most 16 MiB


class BrokenFrame(Exception):
    """The other side ended, or sent what is no frame."""


def pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    head = json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return LENGTHS.pack(len(head), len(payload)) + head + payload


async def read(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """Raises BrokenFrame at the end."""
    try:
        head, body = _lengths(await reader.readexactly(LENGTHS.size))
        return _header(await reader.readexactly(head)), await reader.readexactly(body)
    except (asyncio.IncompleteReadError, OSError):
        raise BrokenFrame from None


def receive(connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    """The same, blocking, for the worker."""
    head, body = _lengths(_exactly(connection, LENGTHS.size))
    return _header(_exactly(connection, head)), _exactly(connection, body)


def _lengths(data: bytes) -> tuple[int, int]:
    head, body = LENGTHS.unpack(data)
    if head + body > MAX_BYTES:
        raise BrokenFrame
    return head, body


def _header(data: bytes) -> dict[str, Any]:
    header = json.loads(data.decode("utf-8", "surrogatepass"))
    if not isinstance(header, dict):
        raise BrokenFrame
    return header


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            piece = connection.recv(min(size - len(parts), 1 << 20))
        except OSError:
            raise BrokenFrame from None
        if not piece:
            raise BrokenFrame
        parts += piece
    return bytes(parts)
