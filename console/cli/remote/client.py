"""The JSON API as a command sees it: documents in and out, whatever goes wrong as a sentence."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import click
import httpx

from console.words import printable
from runtime.errors import CallerError, GatewayError
from runtime.settings import environment, is_loopback

SECONDS = 60.0
PREFIX = "/api/v1"
META = "exeat.server"
WRONG_SERVER = "--server is the address of a console: https://host[:port], http on loopback alone"
Document = dict[str, Any]


class ServerRefused(CallerError):
    """What the API says, in its own words."""

    code = "server_refused"


class ServerSilent(GatewayError):
    code = "server_silent"


class ServerUnsaid(CallerError):
    code = "server_unsaid"


@dataclass(frozen=True, slots=True)
class Server:
    """`ca`: a file of the certificates that are trusted instead of the system's."""

    url: str
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """`remote.get("/approvals", finished=True)`. Raises ServerUnsaid, ServerRefused, ServerSilent."""

    server: Server
    token: str = field(repr=False)

    def get(self, *path: str, **query: Any) -> Document:
        """`path`: its parts, each quoted."""
        given = {name: "true" if value is True else value for name, value in query.items() if value}
        return self._ask("GET", path, params=given)

    def post(self, *path: str, **body: Any) -> Document:
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: tuple[str, ...], **options: Any) -> Document:
        url = f"{_origin(self.server.url)}{PREFIX}/{'/'.join(quote(part, safe='') for part in path)}"
        headers = {"authorization": f"Bearer {self.token}"}
        proxied = not is_loopback(urlsplit(url).hostname)  # or the token would leave this machine in clear
        options |= {"headers": headers, "verify": _trust(self.server.ca), "trust_env": proxied, "timeout": SECONDS}
        try:
            answer = httpx.request(method, url, **options)
            found = answer.json()
        except httpx.InvalidURL:
            raise ServerUnsaid(WRONG_SERVER) from None
        except (httpx.HTTPError, ValueError) as error:
            raise ServerSilent(f"the console gives no answer ({type(error).__name__})") from None
        if not isinstance(found, dict):
            raise ServerSilent(f"what answered {answer.status_code} is no console")
        if answer.status_code == 200:
            return found
        words = printable(str(found.get("message") or "no reason given"))
        raise (ServerRefused if answer.status_code < 500 else ServerSilent)(words)


def _trust(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except OSError as error:  # ssl.SSLError is one
        raise ServerUnsaid(f"--ca is a file of certificates in PEM ({type(error).__name__})") from None


def _origin(server: str) -> str:
    try:
        url = urlsplit(server)
    except ValueError:  # brackets around what is no address
        raise ServerUnsaid(WRONG_SERVER) from None
    plain = url.scheme == "http" and is_loopback(url.hostname or "")
    if not url.hostname or (url.scheme != "https" and not plain) or url.path.strip("/") or url.query:
        raise ServerUnsaid(WRONG_SERVER)
    return f"{url.scheme}://{url.netloc}"


def remote(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --token and --json; the command gets a Remote."""

    @click.option("--token", metavar="TOKEN", help="A person's token [default: EXEAT_TOKEN].")
    @click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
    @wraps(command)
    def wrapped(*, token: str | None, **options: Any) -> None:
        found = token or environment("EXEAT_TOKEN")
        if not found:
            raise ServerUnsaid("a person's token is needed: --token, or EXEAT_TOKEN")
        command(Remote(click.get_current_context().find_root().meta[META], found), **options)

    return wrapped
