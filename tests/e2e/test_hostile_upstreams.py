"""Upstreams that hang, never end or send lines without end, at the whole gateway; and then: secrets are nowhere.

The last test greps all that the traffic of this module and its own left behind: every file of the house, what the store
says, what Envoy's admin interface and the metrics tell, the logs, and whether a crash could leave a core file.
"""

import base64
import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.kit import attacks, rawhttp
from tests.kit.attacks import Field, head, shaped
from tests.kit.gateway import Gateway, eventually
from tests.kit.lies import CARD, JSON, MAIL, SECRET, SECRETS, SSE, SSN, TEXT, chunks, says

pytestmark = [pytest.mark.envoy, pytest.mark.timeout(300)]
SILENCE = 3
LINE = 10 << 20
HANG = (b"",) * 2_000  # a pause each: the upstream stays connected and says nothing
ENDLESS = (b'f\r\ndata: {"a":1}\n\n\r\n',) * 100_000
OK = b"HTTP/1.1 200 OK\r\n"
PLAYS: dict[str, tuple[bytes, ...]] = {
    "hang": HANG,
    "hang-in-head": (OK + b"x-note: " + TEXT, *HANG),
    "hang-in-json": (says(SECRET, JSON)[0][:-5], *HANG),
    "hang-in-stream": (chunks(b"data: " + TEXT + b"\n\n", lines=[SSE], end=False)[0], *HANG),
    "endless-stream": (OK + SSE + b"\r\ntransfer-encoding: chunked\r\n\r\n", *ENDLESS),
    "huge-line": chunks(b"data: ", *(b"x" * (1 << 20) for _ in range(LINE >> 20)), b" " + TEXT + b"\n\n", lines=[SSE]),
    "huge-event": chunks(
        *(b"data: " + b"y" * 1000 + b"\n" for _ in range(20)), b"data: " + TEXT + b"\n\n", lines=[SSE]
    ),
    "long-text": says(b"z" * LINE + b" " + TEXT, b"content-type: text/plain"),
}


@pytest.fixture(scope="module")
def place() -> Iterator[Field]:
    with attacks.running(f"[gateway]\nsilence_seconds = {SILENCE}") as field:
        field.upstream.plays = {**field.upstream.plays, **PLAYS}
        yield field


def play(place: Field, name: str, path: bytes = b"/one/x") -> rawhttp.Got:
    return rawhttp.ask(place.port, head(f"play-{name}", place, b"GET " + path + b" HTTP/1.1"))


def clean(data: bytes) -> None:
    for secret in SECRETS:
        assert secret.encode() not in data


@pytest.mark.parametrize("name", ["hang", "hang-in-head", "hang-in-json", "hang-in-stream"])
def test_an_upstream_that_hangs_is_given_up(place: Field, name: str) -> None:
    got = play(place, name)
    assert SILENCE - 1 < got.seconds < rawhttp.LONGEST
    clean(got.raw)
    if got.status >= 500:
        assert got.whole
        shaped(got)
    elif got.status:
        assert not got.whole or b"error" in got.body
    place.gateway.serves()


def test_a_stream_without_end_ends_with_its_caller(place: Field) -> None:
    """It flows as long as somebody reads; nobody reads, nobody pays."""
    with socket.create_connection(("127.0.0.1", place.port), timeout=rawhttp.LONGEST) as line:
        line.sendall(head("play-endless-stream", place, b"GET /one/x HTTP/1.1"))
        seen = b""
        while seen.count(b"data:") < 5:
            seen += line.recv(65536)
        cluster = "cluster.upstream_one.upstream_rq_active"
        assert place.gateway.envoy_stat(cluster) >= 1
    eventually(lambda: place.gateway.envoy_stat(cluster), lambda count: count == 0)
    place.gateway.serves()


@pytest.mark.parametrize("name", ["huge-line", "huge-event", "long-text"])
def test_ten_megabytes_in_one_line_are_masked_or_cut(place: Field, name: str) -> None:
    with place.gateway.client(timeout=60) as client:
        got = client.get("/one/x", headers={"user-agent": f"play-{name}"})
    clean(got.content)
    assert got.status_code == 200
    assert b"[CARD]" in got.content[-500:] or b"error" in got.content[-500:]
    place.gateway.serves()


# secrets are nowhere


def test_secrets_are_nowhere(place: Field) -> None:
    gateway = place.gateway
    tokens = [gateway.issuer.agent_token(name) for name in ("research-agent", "ledger-agent")]
    traffic(place, tokens)
    gateway.settled()
    crash(gateway)
    keys = [path.read_bytes() for path in (gateway.house.folder / "secrets").iterdir() if path.is_file()]
    planted = [text.encode() for text in SECRETS]
    secrets = Wanted([*planted, *keys, *(token.rpartition(".")[2].encode() for token in tokens)])
    prose = Wanted([PROSE.encode()])  # no detector knows it: it is evidence, but it is in no log
    found = []
    for name, content in everything(gateway):
        found += [f"{name}: {hit}" for hit in [secrets.within(content, name)] if hit]
        found += [f"{name}: {hit}" for hit in [prose.within(content, name)] if hit and not name.startswith(EVIDENCE)]
    gateway.said.clear()  # of the deaths that were ours
    assert found == []


PROSE = "hunter2-and-more"
EVIDENCE = ("state/", "audit.", "authz-", "extproc-", "approvals.db")


def traffic(place: Field, tokens: list[str]) -> None:
    """Every way in and out that content takes: paths, headers, bodies, SQL, streams, refusals, holds, errors."""
    research, finance = ({"authorization": f"Bearer {token}", "x-exeat-session": "nowhere"} for token in tokens)
    note = f"card {CARD}, {MAIL}, {SSN}"
    with httpx.Client(base_url=place.gateway.url, timeout=30) as client:
        client.get("/openai/v1/models", headers={"x-api-key": tokens[0]})
        client.get(f"/one/x?card={CARD}&token={tokens[0]}", headers=research)
        client.get(f"/one/{CARD}", headers=research | {"x-note": note, "cookie": f"a={MAIL}"})
        client.get("/one/x", headers={"authorization": f"Bearer {tokens[0][:-4]}AAAA", "x-note": note})
        chat = {"model": "gpt-5", "messages": [{"role": "user", "content": f"play: customer {note}"}]}
        client.post("/openai/v1/chat/completions", json=chat, headers=research)
        client.post("/openai/v1/chat/completions", json=chat | {"stream": True}, headers=research)
        client.post("/openai/v1/chat/completions", content=f'{{"a": "{note}", "a": 1}}', headers=research)
        client.post("/one/x", content=f'{{"note": "{note}"', headers=research | {"content-type": "application/json"})
        queries = [f"create user x password '{PROSE}' -- {note}", f"select '{note}' from a where b = '{SSN}'"]
        for query in queries:
            client.post("/ledger/query", json={"query": query}, headers=finance)
        for name in ("key-in-json", "key-in-a-header", "json", "header", "error-page", "gzip-cut-off"):
            with contextlib.suppress(httpx.HTTPError):
                client.get("/one/x", headers=research | {"user-agent": f"play-{name}"})
        held = {"amount": "7", "to": note}
        with contextlib.suppress(httpx.HTTPError):  # nobody answers; the caller leaves
            client.post("/ledger/transfers", json=held, headers=finance, timeout=2)


def crash(gateway: Gateway) -> None:
    """Parts die as of a fault of their own, in the middle of an exchange; no core file may be left."""
    chat = {"model": "gpt-5", "messages": [{"role": "user", "content": f"card {CARD}"}]}
    with ThreadPoolExecutor(1) as pool, gateway.client() as client:
        for part in ("authz", "extproc", "envoy"):
            limits = Path(f"/proc/{gateway.supervisor.pid(part)}/limits").read_text()
            (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
            assert line.split()[4:6] == ["0", "0"], part
            waiting = pool.submit(client.post, "/openai/v1/chat/completions", json=chat)
            gateway.signal(part, signal.SIGABRT)
            with contextlib.suppress(httpx.HTTPError):
                waiting.result(30)
            gateway.serves(60)


class Wanted:
    """Byte strings, also as base64, in percent signs and in JSON's escapes."""

    def __init__(self, secrets: list[bytes]) -> None:
        self._forms: dict[bytes, str] = {}
        for secret in secrets:
            name = secret[:6].decode() + "…"
            for form in (secret, quote(secret).encode(), secret.decode().encode("utf-16-le"), *_in_base64(secret)):
                self._forms[form] = name

    def within(self, content: bytes, place: str) -> str:
        for form, name in self._forms.items():
            if form in content and not (place.startswith("secrets/") and form == content.strip()):
                return name
        return ""


def _in_base64(secret: bytes) -> list[bytes]:
    """What of it is the same wherever it begins (RFC 4648 §4: three bytes are four letters)."""
    found = [base64.b64encode(b"\0" * shift + secret)[4 * (shift > 0) + 4 : -8] for shift in range(3)]
    return [form for form in found if len(form) >= 12]


def everything(gateway: Gateway) -> Iterator[tuple[str, bytes]]:
    """(where, bytes) of all that a run leaves and tells."""
    folder = gateway.house.folder
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            yield str(path.relative_to(folder)), content
            if content[:2] in (b"\x1f\x8b", b"x\x9c"):
                with contextlib.suppress(zlib.error):
                    yield f"{path.name}, unpacked", zlib.decompress(content, 47)
        assert not path.name.startswith("core"), path
    for path in folder.rglob("*.db"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            yield f"{path.name}, as SQL", "\n".join(database.iterdump()).encode()
    for table in ("events", "frames", "checkpoints"):
        rows = gateway.sql(f"SELECT * FROM audit.{table}")
        yield f"audit.{table}", repr(rows).encode()
    admin = httpx.HTTPTransport(uds=str(gateway.settings.socket("envoy-admin")))
    with httpx.Client(transport=admin, base_url="http://envoy", timeout=30) as client:
        for page in ("config_dump?include_eds", "clusters", "listeners", "stats", "server_info", "certs"):
            yield f"envoy {page}", client.get(f"/{page}").content
    yield "metrics", httpx.get(f"http://127.0.0.1:{gateway.house.ports['metrics']}/metrics", timeout=30).content
    for arguments in (["decisions", "list", "--json"], ["doctor", "--json"], ["approvals", "list", "--as", "alice"]):
        command = [sys.executable, "-m", "console.cli", "-c", str(gateway.house.config), *arguments]
        said = subprocess.run(command, capture_output=True, timeout=120, check=False)
        yield f"exeat {' '.join(arguments)}", said.stdout + said.stderr
    yield "what the supervisor said", "\n".join(gateway.said).encode()
    for name in gateway.settings.gateway.run_dir.glob("logs/*"):
        assert b"Traceback" not in name.read_bytes(), name
    for part in ("authz", "extproc", "envoy"):
        yield f"command line of {part}", Path(f"/proc/{gateway.supervisor.pid(part)}/cmdline").read_bytes()
        yield f"environment of {part}", Path(f"/proc/{gateway.supervisor.pid(part)}/environ").read_bytes()


def test_the_search_would_find_what_is_there() -> None:
    secret = b"4111111111111111-and-more"
    wanted = Wanted([secret])
    shifted, escaped = base64.b64encode(b"ab" + secret + b"c"), json.dumps({"a": secret.decode()}).encode()
    for coat in (secret, base64.b64encode(secret), shifted, escaped):
        assert wanted.within(b"before " + coat + b" after", "file")
    assert not wanted.within(b"4111 and more", "file")
    assert not wanted.within(secret, "secrets/key")
    assert wanted.within(b"x" + secret, "secrets/key")
