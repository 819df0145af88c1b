"""Is a part answering? Small questions over its own socket, without a client library."""

import asyncio
from pathlib import Path

from runtime.settings import split_address


async def socket_answers(path: Path) -> bool:
    """True when something accepts connections on the Unix socket."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    return True


async def http_status(address: str | Path, path: str, method: str = "GET") -> int:
    """Status of a plain HTTP/1.1 request to `host:port` or a Unix socket; 0 when there is no answer."""
    try:
        if isinstance(address, Path):
            reader, writer = await asyncio.open_unix_connection(str(address))
        else:
            reader, writer = await asyncio.open_connection(*split_address(address))
    except OSError:
        return 0
    try:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: exeat\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode()
        )
        await writer.drain()
        line = await reader.readline()
        return int(line.split()[1]) if line.startswith(b"HTTP/") else 0
    except (OSError, ValueError, IndexError):
        return 0
    finally:
        writer.close()
