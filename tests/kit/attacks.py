"""Attacks on the whole gateway, from both sides: callers who send what no library would, upstreams that lie.

Nothing arrives at an upstream that was not decided as exactly that; no secret comes back in any coat; every refusal
speaks the API's language; nothing hangs. Each table runs side by side once (Envoy takes a second to close a bad
connection), then each row is a test of its own (`tests/e2e/attacks/`).
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import yaml

from runtime.ids import uuid7
from tests.kit import raw, rawhttp
from tests.kit.gateway import POLICIES, Gateway, eventually
from tests.kit.gateway import running as gateway_running
from tests.kit.lies import PLAYS
from tests.kit.rawhttp import Got

NEVER_TOLD = (b"Traceback", b"Exception", b"Error(", b"grpc", b".py", b"0x7f", b"127.0.0.1:")
# what Envoy itself says to an upstream; everything else must have been decided
ENVOYS = {"host", "content-length", "transfer-encoding", "x-forwarded-proto", "x-request-id"}


@dataclass(frozen=True)
class Tried:
    """One attack: the answer, what arrived upstream, and what was decided (event's type, connection, data, input)."""

    got: Got
    arrived: list[raw.Arrived]
    decided: list[tuple[str, str, dict[str, Any], dict[str, Any]]]
    mark: str


@dataclass
class Field:
    gateway: Gateway
    upstream: rawhttp.Hostile
    tried: dict[str, list[Tried]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return self.gateway.house.ports["gateway"]

    def credential(self) -> bytes:
        return b"authorization: Bearer " + self.gateway.issuer.agent_token("research-agent").encode()

    def table(self, name: str, cases: Sequence[Any], send: Callable[[Any, str], Got]) -> list[Tried]:
        """`send(case, mark)` sends one case; `mark` is its user agent."""
        if name not in self.tried:
            marks = [f"probe-{uuid7()}" for _ in cases]
            with ThreadPoolExecutor(24) as pool:
                answers = list(pool.map(send, cases, marks))
            self.gateway.settled()
            decided = self.decided()
            found = zip(answers, marks, strict=True)
            self.tried[name] = [Tried(got, self.upstream.of(mark), decided.get(mark, []), mark) for got, mark in found]
        return self.tried[name]

    def decided(self) -> dict[str, list[tuple[str, str, dict[str, Any], dict[str, Any]]]]:
        query = (
            "SELECT e.type, e.connection, e.body, f.content FROM audit.events e JOIN audit.frames f"
            " ON e.exchange = f.exchange WHERE e.kind = 'decision' AND f.direction = 'input'"
        )
        found: dict[str, list[tuple[str, str, dict[str, Any], dict[str, Any]]]] = {}
        for type_, connection, body, content in self.gateway.sql(query):
            given = json.loads(content)
            mark = given["request"]["headers"].get("user-agent", "")
            found.setdefault(mark, []).append((type_, connection, json.loads(body)["data"], given))
        return found


@contextlib.contextmanager
def running(extra: str = "") -> Iterator[Field]:
    """The gateway with connections to a hostile upstream beside its own. `extra`: lines for exeat.toml."""
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(rawhttp.hostile(PLAYS))
        gateway = stack.enter_context(gateway_running(POLICIES, extra))
        at = f"http://127.0.0.1:{upstream.port}"
        _inventoried(gateway)
        _declare(gateway, {
            "one": {"kind": "http", "upstream": f"{at}/api", "credential": "ledger", "risk": "low"},
            "two": {"kind": "http", "upstream": at, "risk": "low"},
            "claude": {"kind": "anthropic", "upstream": at, "credential": "anthropic", "risk": "standard"},
            "gpt": {"kind": "openai", "upstream": f"{at}/v1", "credential": "openai", "risk": "standard"},
        })  # fmt: skip
        with gateway.client() as client:
            for path in ("/two/x", "/gpt/models"):
                eventually(lambda path=path: client.get(path).text, lambda text: text == raw.ANSWER.decode())
        yield Field(gateway, upstream)
        assert gateway.envoy_stat("http.ingress.ext_proc.server_half_closed") == 0
        assert [sentence for sentence in gateway.said if "starting it again" in sentence] == []


def _declare(gateway: Gateway, more: dict[str, dict[str, str]]) -> None:
    data = gateway.house.folder / "policies" / "data"
    for name, added in (
        ("connections", more),
        ("roles", {"attackers": {"groups": ["research"], "connections": sorted(more), "models": ["standard"]}}),
    ):
        path = data / f"{name}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | added, sort_keys=False))


def _inventoried(gateway: Gateway) -> None:
    """Model providers must be known to the house."""
    path = gateway.house.folder / "policies" / "packs" / "ffiec" / "data" / "inventory.yaml"
    line = "{owner: third-party-risk@bank.example, review_due: 2099-12-31}"
    path.write_text(path.read_text() + f"gpt: {line}\nclaude: {line}\n")


def names(cases: Sequence[Any]) -> list[str]:
    return [re.sub(r"[^ -~]|\s+", "_", repr(case))[:60] for case in cases]


# what must hold of every attack


def fair(tried: Tried, upstream: rawhttp.Hostile) -> None:
    """An end, one shape, and at most one arrival, which is the one that was decided."""
    got = tried.got
    assert got.seconds < rawhttp.LONGEST, "it hangs"
    for hint in NEVER_TOLD:
        assert hint not in got.raw, hint
    statuses = raw.statuses(got.raw)
    assert len(tried.arrived) <= 1
    if not tried.arrived:
        assert all(status in (100, 426) or 400 <= status < 600 for status in statuses), statuses
        if got.status >= 400 and got.raw:  # of HTTP/2 only the status is read
            shaped(got)
        return
    agree(tried, upstream)


def shaped(got: Got) -> None:
    document = json.loads(got.body)
    error = document.get("error", document)
    assert error.get("code"), document
    assert error.get("message", error.get("detail")), document


def agree(tried: Tried, upstream: rawhttp.Hostile) -> None:
    (arrived,) = tried.arrived
    ((type_, connection, data, given),) = tried.decided
    assert type_ == "decision.allow"
    assert given["connection"]["name"] == connection
    path, _, query = arrived.target.partition("?")
    assert given["request"]["path"] == path
    assert given["request"]["method"] == arrived.method
    assert bool(given["request"]["query"]) == bool(query)
    assert data["request_digest"] == hashlib.sha256(arrived.body).hexdigest()
    shown = given["request"]["headers"]
    key = {"one": "authorization", "gpt": "authorization", "claude": "x-api-key"}.get(connection, "")
    for name in arrived.names() - ENVOYS - {key}:
        values = [value for each, value in arrived.headers if each == name]
        assert shown.get(name) == ", ".join(values).replace("\t", " "), name
    headers = dict(arrived.headers)
    assert headers["host"] == f"127.0.0.1:{upstream.port}"
    assert headers["x-forwarded-proto"] == "http"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-request-id"])
    assert "forged" not in json.dumps(arrived.headers)


def head(mark: str, place: Field, line: bytes, *lines: bytes, token: bool = True) -> bytes:
    given = [line, *([] if any(each.lower().startswith(b"host:") for each in lines) else [b"host: gateway"])]
    given += [b"user-agent: " + mark.encode(), *lines, *([place.credential()] if token else [])]
    return b"\r\n".join([*given, b"", b""])
