"""One POST to a stranger, bounded in time and bytes: nothing is unpacked, nothing of the environment is used."""

import asyncio
from collections.abc import Mapping

import httpx

from audit.log.boxes import BoxAway

SECONDS = 20.0  # for a whole question, however slowly its answer comes


def post(
    url: str, content: bytes, headers: Mapping[str, str], most: int, seconds: float = SECONDS
) -> tuple[int, bytes]:
    """Status and body. Anybody on the way may answer plain HTTP: no more than `most` bytes of it are read.

    Blocking. Raises BoxAway.
    """
    try:
        return asyncio.run(_answer(url, content, {**headers, "accept-encoding": "identity"}, most, seconds))
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise BoxAway(f"{url} does not answer: {type(error).__name__}") from None


async def _answer(url: str, content: bytes, headers: Mapping[str, str], most: int, seconds: float) -> tuple[int, bytes]:
    found = b""
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(timeout=2 * seconds, trust_env=False) as client,
        client.stream("POST", url, content=content, headers=dict(headers)) as answer,
    ):
        async for piece in answer.aiter_raw():
            found += piece
            if len(found) > most:
                raise BoxAway(f"{url} answered more than {most} bytes")
    return answer.status_code, found
