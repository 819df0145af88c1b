"""`/connections`: the upstreams, whether they answer, and how to point each SDK at them."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.web.desk import Desk, desk
from console.web.menu import EVERYBODY
from console.web.people import needs
from console.web.render import page
from runtime import health
from runtime.errors import Error
from snapshot.connections import Connection

REACH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Seen:
    """`reachable`: whether its address takes a connection from here; None when the secret's file is missing."""

    connection: Connection
    reachable: bool
    secret: str  # "" when it is there or none is needed, else what is wrong
    ways: tuple[tuple[str, str], ...]  # (client, lines to copy)


@needs(*EVERYBODY)
async def shown(request: Request) -> Response:
    at = desk(request)
    admin = await health.http_status(at.settings.socket("envoy-admin"), "/ready") == 200
    try:
        found = await seen(at)
    except Error as error:
        return page(request, "connections.html", {"seen": [], "ready": admin, "why": error.message})
    return page(request, "connections.html", {"seen": found, "ready": admin, "why": ""})


async def seen(at: Desk) -> list[Seen]:
    """Raises NoSnapshot."""
    connections = list(at.snapshot().connections.values())
    reachable = await asyncio.gather(*(_reachable(each.upstream) for each in connections))
    base = at.settings.gateway.url
    return [
        Seen(each, up, _secret(at, each), ways(each, base)) for each, up in zip(connections, reachable, strict=True)
    ]


async def _reachable(upstream: str) -> bool:
    url = urlsplit(upstream)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        async with asyncio.timeout(REACH_SECONDS):
            _, writer = await asyncio.open_connection(url.hostname, port)
    except OSError:  # TimeoutError is one
        return False
    writer.close()
    return True


def _secret(at: Desk, connection: Connection) -> str:
    """Looks at the file's size alone: no upstream key enters this process."""
    if not connection.credential:
        return ""
    secret = at.settings.secrets.get(connection.credential)
    if secret is None:
        return f"no [secrets.{connection.credential}] in the settings"
    try:
        return "" if secret.file.stat().st_size else f"{secret.file} is empty"
    except OSError as error:
        return f"{secret.file}: {error.strerror}"


def ways(connection: Connection, base: str) -> tuple[tuple[str, str], ...]:
    """How each client is pointed here; every one sends the agent's OIDC token where it sent the provider's key."""
    url = f"{base}/{connection.name}"
    curl = f'curl {url}/ -H "authorization: Bearer $(exeat token)"'
    found = WAYS.get(connection.kind, ())
    return (*((client, lines.replace("@", url)) for client, lines in found), ("curl", curl))


# `@` stands for the connection's address
WAYS: dict[str, tuple[tuple[str, str], ...]] = {
    "anthropic": (
        ("Environment", "export ANTHROPIC_BASE_URL=@\nexport ANTHROPIC_AUTH_TOKEN=$(exeat token)"),
        ("Claude Code and Claude Agent SDK, in settings.json",
         '{"apiKeyHelper": "exeat token", "env": {"ANTHROPIC_BASE_URL": "@"}}'),
        ("anthropic for Python", 'client = anthropic.Anthropic(base_url="@", api_key=token)'),
    ),
    "openai": (
        ("Environment", "export OPENAI_BASE_URL=@/v1\nexport OPENAI_API_KEY=$(exeat token)"),
        ("openai for Python, OpenAI Agents SDK", 'client = openai.OpenAI(base_url="@/v1", api_key=token)'),
    ),
    "azure_openai": (
        ("openai for Python",
         'client = openai.AzureOpenAI(azure_endpoint="@", azure_ad_token=token, api_version=version)'),
    ),
    "gemini": (("google-genai for Python", 'client = genai.Client(api_key=token, http_options={"base_url": "@"})'),),
    "mcp": (("MCP client", '{"type": "http", "url": "@", "headers": {"Authorization": "Bearer TOKEN"}}'),),
    "kubernetes": (("kubectl", 'kubectl --server @ --token "$(exeat token)" get pods'),),
}  # fmt: skip

ROUTES = [Route("/connections", shown)]
