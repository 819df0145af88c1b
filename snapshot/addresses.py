"""Where an upstream's name leads: no request of an agent may come out inside the house, or at a metadata service.

What the world can reach is fine. Private, shared, loopback and other special ranges (IANA) need `addresses: private`
of the connection; link-local ones, where clouds serve their machine credentials, and the metadata services elsewhere
are never let to, whatever a connection says. Names are looked up when a revision is validated and again all the time,
because who owns a name may change where it leads (DNS rebinding); in between, the upstream's certificate still must
name it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from runtime.settings import is_loopback
from snapshot.connections import Connection
from snapshot.ranges import forbidden

Resolve = Callable[[str], Coroutine[Any, Any, list[str]]]
RESOLVE_SECONDS = 3.0


async def resolve(host: str) -> list[str]:
    """All addresses of `host`; none when nobody knows it, or not in time: then Envoy does not reach it either."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await loop.getaddrinfo(host, None, type=1)
    except (OSError, TimeoutError, UnicodeError):
        return []
    return sorted({str(entry[4][0]).partition("%")[0] for entry in found})


async def refused(connections: Iterable[Connection], resolve: Resolve = resolve) -> Mapping[str, str]:
    """Connection → why it may not lead where it leads."""
    asked = [(connection, urlsplit(connection.upstream).hostname or "") for connection in connections]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(resolve(host)) for _, host in asked]
    why: dict[str, str] = {}
    for (connection, host), task in zip(asked, tasks, strict=True):
        if is_loopback(host):
            continue  # written so in the repository itself
        reasons = [reason for address in task.result() if (reason := forbidden(address, connection.private))]
        if reasons:
            why[connection.name] = f"connection `{connection.name}`: {host} leads to {reasons[0]}"
    return why
