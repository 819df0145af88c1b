"""Messages between a worker and its owner: two lengths, a JSON header, bytes.

The payload is apart from the header so that a request's body goes through unread.
"""

import asyncio
import json
import struct
from typing import Any, Protocol

import orjson

LENGTHS = struct.Struct(">II")
MAX_BYTES = 256 << 20  # an owner that asks for more is broken; a policy repository is at most 16 MiB


PLAIN = b'{"input":'


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


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


def receive(connection: Source) -> tuple[dict[str, Any], bytes]:
    """The same, blocking, for the worker; `connection` is buffered, so that a message is one read."""
    head, body = _lengths(_exactly(connection, LENGTHS.size))
    return _header(_exactly(connection, head)), _exactly(connection, body)


def plain_input(body: bytes) -> bytes:
    """X of a body that is `{"input":X}` to the letter, as authz writes it; b"" for any other way to say it.

    What is well-formed between the two means the same to every reader, so that it need not be read and written again
    on its way to OPA. Lone surrogates, which OPA would replace, are not well-formed here.
    """
    given = body[len(PLAIN) : -1]
    if not body.startswith(PLAIN) or not body.endswith(b"}"):
        return b""
    try:
        return b"" if orjson.loads(given) is None else given  # null is no input, as for OPA
    except ValueError:
        return b""


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


def _exactly(connection: Source, size: int) -> bytes:
    try:
        data = connection.read(size)
    except OSError:
        raise BrokenFrame from None
    if len(data) < size:
        raise BrokenFrame
    return data
