"""Is a part answering? Small questions over its own socket, without a client library."""

import asyncio
import re
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


async def listens(address: str) -> bool:
    """True when something accepts connections on `host:port`."""
    try:
        _, writer = await asyncio.open_connection(*split_address(address))
    except OSError:
        return False
    writer.close()
    return True


async def http_status(address: str | Path, path: str, method: str = "GET") -> int:
    """Status of a plain HTTP/1.1 request to `host:port` or a Unix socket; 0 when there is no answer."""
    status, _ = await http_ask(address, path, method)
    return status


async def http_ask(address: str | Path, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Status and raw body (chunk marks included) of one request; (0, b"") when there is no answer."""
    try:
        if isinstance(address, Path):
            reader, writer = await asyncio.open_unix_connection(str(address))
        else:
            reader, writer = await asyncio.open_connection(*split_address(address))
    except OSError:
        return 0, b""
    try:
        host = "localhost" if isinstance(address, Path) else address
        head = (f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", "Content-Length: 0", "", "")
        writer.write("\r\n".join(head).encode())
        await writer.drain()
        answer, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        return (int(answer.split()[1]), body) if answer.startswith(b"HTTP/") else (0, b"")
    except (OSError, ValueError, IndexError):
        return 0, b""
    finally:
        writer.close()


async def active_requests(admin: Path) -> int:
    """Requests that Envoy is working on, by its own count; 0 when it does not answer."""
    _, body = await http_ask(admin, "/stats?filter=^http.ingress.downstream_rq_active$")
    found = re.search(rb"downstream_rq_active: (\d+)", body)
    return int(found.group(1)) if found else 0
