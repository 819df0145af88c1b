"""Asking for a decision, over OPA's REST API: the embedded engine and an OPA server answer alike.

Whatever is not a well-formed decision object is an error here, and an error is a refusal for the caller:

GatewayError
├── EngineFailed
│   ├── EngineDown          nothing listens, or it answers 503 or what is no JSON
│   ├── EngineSlow          no answer within the deadline
│   │   └── EngineBusy      its turn did not come in time
│   ├── PolicyFailed        the evaluation ended with an error (500); its text may quote content and is not kept
│   └── UndefinedDecision   the policy has no answer for this input
└── MalformedDecision       the answer is not a decision
"""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import aiohttp
import orjson
from opa_client.opa_async import AsyncOpaClient
from yarl import URL

from runtime.errors import GatewayError
from runtime.settings import Server
from runtime.trust import client_context
from snapshot.bundle import ENTRY
from snapshot.decision import Decision, parse


class EngineFailed(GatewayError):
    code = "engine_failed"


class EngineDown(EngineFailed):
    code = "engine_down"


class EngineSlow(EngineFailed):
    code = "engine_slow"


class EngineBusy(EngineSlow):
    code = "engine_busy"


class PolicyFailed(EngineFailed):
    code = "policy_failed"


class UndefinedDecision(EngineFailed):
    code = "undefined_decision"


AT_ONCE = 8  # questions at the engine; more would spend their deadline waiting for a worker there
TURN_SECONDS = (
    2.0  # a burst waits here for its turn; Envoy gives authz the deadline and 4 s (snapshot/envoy/filters.py)
)


class Engine(Protocol):
    async def decide(self, given: Mapping[str, Any], content: bytes = b"") -> Decision:
        """The decision for this input; `content`: the same as JSON, where it was written already.

        Raises EngineFailed or MalformedDecision.
        """
        ...


NO_TIMEOUT = aiohttp.ClientTimeout()  # ours is around it
JSON = {"content-type": "application/json"}


class _Client(AsyncOpaClient):  # type: ignore[misc]  # it has no types
    """Theirs trusts the system's CAs alone, and writes each question as JSON again and its address anew."""

    tls: ssl.SSLContext | None = None

    async def _init_session(self) -> None:
        if self.tls is None:
            await super()._init_session()
            return
        connector, most = aiohttp.TCPConnector(ssl=self.tls), aiohttp.ClientTimeout(total=self.timeout)
        self._session: aiohttp.ClientSession | None = aiohttp.ClientSession(
            headers=self.headers, connector=connector, timeout=most
        )

    async def ask(self, url: URL, body: bytes) -> Any:
        """Their `query_rule`, at half the CPU (225 µs to 100 in a loop alone)."""
        if self._session is None:
            raise aiohttp.ClientError("not open")
        async with self._session.post(url, data=body, headers=JSON, timeout=NO_TIMEOUT) as response:
            response.raise_for_status()
            return await response.json(loads=orjson.loads)


class OpaEngine:
    """`async with OpaEngine(url, deadline_ms) as engine: await engine.decide(input)`. One per process.

    The deadline is that of the engine, from when it is asked. Questions come to it in turn, a few at a time, so that a
    burst takes longer instead of having all of it refused.
    """

    def __init__(
        self,
        url: str,
        deadline_ms: int,
        *,
        at_once: int = AT_ONCE,
        turn_s: float = TURN_SECONDS,
        server: Server | None = None,
    ) -> None:
        """`url`: http(s)://host:port of the embedded engine or an OPA server. `server`: whom https trusts."""
        self._turns, self._turn_s = asyncio.Semaphore(at_once), turn_s
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        host = parts.hostname or "127.0.0.1"
        self._seconds = deadline_ms / 1000
        # the client's own defaults would try three times over 0.9 s, and let builtin errors become undefined
        self._client = _Client(
            host=f"[{host}]" if ":" in host else host,
            port=parts.port or (443 if secure else 80),
            ssl=secure,
            retries=0,
            timeout=self._seconds,
        )
        package, rule = ENTRY
        self._url = URL(f"{self._client.root_url}/data/{package}/{rule}?strict-builtin-errors=true")
        if secure and server is not None:
            self._client.tls = client_context(server)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def decide(self, given: Mapping[str, Any], content: bytes = b"") -> Decision:
        content = content or json.dumps(dict(given), ensure_ascii=False).encode()
        await self._turn()
        try:
            answer = await self._ask(b'{"input":' + content + b"}")
        finally:
            self._turns.release()
        if not isinstance(answer, dict):
            raise EngineDown("the engine's answer is not of OPA's REST API")
        if "result" not in answer:
            raise UndefinedDecision("the policy has no decision for this request")
        return parse(answer["result"])

    async def _turn(self) -> None:
        """A place is given back by whoever got it."""
        if not self._turns.locked():
            await self._turns.acquire()  # at once
            return
        try:
            async with asyncio.timeout(self._turn_s):
                await self._turns.acquire()
        except TimeoutError:
            raise EngineBusy(f"the engine's turn did not come within {self._turn_s:.3f} s") from None

    async def healthy(self) -> bool:
        return bool(await self._client.check_health())

    async def _ask(self, body: bytes) -> Any:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._client.ask(self._url, body)
        except TimeoutError:
            raise EngineSlow(f"the engine gave no answer within {self._seconds:.3f} s") from None
        except aiohttp.ContentTypeError:
            raise EngineDown("the engine's answer is not of OPA's REST API") from None
        except aiohttp.ClientResponseError as error:
            if error.status == 500:
                raise PolicyFailed("the policy failed on this request") from None
            raise EngineDown(f"the engine answers {error.status}") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise EngineDown("the engine does not answer") from None


Script = Decision | Exception | Callable[[Mapping[str, Any]], Decision]


class ScriptedEngine:
    """The fake: answers by a script, the last line over and over. `asked` keeps the inputs."""

    def __init__(self, *script: Script) -> None:
        self._script: list[Script] = list(script)
        self.asked: list[Mapping[str, Any]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def decide(self, given: Mapping[str, Any], content: bytes = b"") -> Decision:
        self.asked.append(given)
        line = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(line, Exception):
            raise line
        return line if isinstance(line, Decision) else line(given)

    def then(self, *script: Script) -> None:
        """Replaces what is left of the script."""
        self._script = list(script)
