"""`python -m extproc` with the real masking, spool, approvals and Envoy; only authz is a stub."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from approvals.client import ApprovalsClient
from console.dev.upstream.app import Upstream
from runtime.settings import Settings, load
from snapshot.connections import Connection, parse_connections
from snapshot.decision import ApprovalTerms, Effect
from tests.kit import approvals, envoy, extproc, serving
from tests.kit.engine import publish

pytestmark = pytest.mark.envoy
MASKING = "profiles:\n  floor:\n    - detect: [card, us_ssn]\n  mail:\n    - detect: email\n"
SSN, CARD, MAIL = "536-22-1234", "4111111111111111", "ada.lovell@customer.example"
TERMS = ApprovalTerms(any=("ledger-approvers",), expires_s=540)
HELD = {"effect": Effect.HOLD, "approval": TERMS, "rule": "ledger_write", "message": "A write."}


@dataclass
class House:
    service: approvals.Service
    settings: Settings
    client: httpx.AsyncClient
    envoy: envoy.RunningEnvoy
    upstream: Upstream
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        """The part itself; it is there when its socket is."""
        socket = self.settings.socket("extproc")
        socket.unlink(missing_ok=True)
        log = (self.service.folder / "extproc.log").open("ab")
        environment = {**os.environ, "EXEAT_CONFIG": str(self.service.folder / "exeat.toml")}  # noqa: TID251
        self.process = subprocess.Popen([sys.executable, "-m", "extproc"], env=environment, stderr=log, stdout=log)
        log.close()
        deadline = time.monotonic() + 30
        while not socket.exists():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)

    def log(self) -> str:
        return (self.service.folder / "extproc.log").read_text()

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        path = self.settings.gateway.state_dir / "spool" / "extproc.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
            bodies = [json.loads(row[0]) for row in conn.execute("SELECT body FROM events ORDER BY seq")]
        return [body for body in bodies if not kind or body["type"] == kind]

    def frames(self, direction: str) -> bytes:
        path = self.settings.gateway.state_dir / "spool" / "extproc.db"
        query = "SELECT content FROM frames WHERE direction = ? ORDER BY seq, ordinal"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
            return b"".join(row[0] for row in conn.execute(query, (direction,)))

    async def until(self, type_: str) -> dict[str, Any]:
        for _ in range(500):
            if found := self.events(type_):
                return found[-1]
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {type_} in {[event['type'] for event in self.events()]}")

    async def answer(self, grant: bool) -> str:
        async with ApprovalsClient(self.service.people, self.service.issuer.person_token("alice")) as alice:
            for _ in range(500):
                if cards := await alice.list():
                    break
                await asyncio.sleep(0.02)
            card, shown = await alice.get(cards[0].id)
            await (alice.grant if grant else alice.refuse)(card.id, shown.digest, "Checked.")
            return shown.content.decode()

    def everything_written(self) -> bytes:
        state = self.settings.gateway.state_dir
        files = [path for path in [*state.rglob("*"), *self.service.folder.glob("*.log")] if path.is_file()]
        return b"".join(path.read_bytes() for path in files)


def connections(port: int) -> dict[str, Connection]:
    return parse_connections(_connections(port), "connections.yaml")


def _connections(port: int) -> str:
    kinds = ("anthropic", "openai", "http")
    return "".join(f"{kind}: {{kind: {kind}, upstream: 'http://127.0.0.1:{port}'}}\n" for kind in kinds)


@contextlib.asynccontextmanager
async def house(**verdict: Any) -> AsyncIterator[House]:
    upstream = Upstream()
    with approvals.running() as service, serving.http(upstream.app()) as port:
        state = service.folder / "state"
        files = {"data/connections.yaml": _connections(port), "data/masking.yaml": MASKING, "data/roles.yaml": "{}\n"}
        digest = publish(state, files)
        known = connections(port)
        settings = _settings(service.folder)
        async with extproc.authz(settings.socket("authz"), snapshot=digest, **verdict):
            with envoy.running(settings, known) as running:
                async with httpx.AsyncClient(base_url=running.url, timeout=30) as client:
                    made = House(service, settings, client, running, upstream)
                    made.start()
                    try:
                        yield made
                    finally:
                        if made.process and made.process.poll() is None:
                            made.end(signal.SIGKILL)
                # Envoy counts an end by error among the half closed ones as well; a clean end would be one more
                ended, failed = (
                    running.stat(f"http.ingress.ext_proc.{name}") for name in ("server_half_closed", "streams_failed")
                )
                assert ended <= failed


def _settings(folder: Path) -> Settings:
    loaded = load(folder / "exeat.toml")
    gateway = loaded.gateway.model_copy(update={"listen": f"127.0.0.1:{serving.free_port()}"})
    return loaded.model_copy(update={"gateway": gateway})


def scenario(name: str, stream: bool) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"play: {name}"}]
    return {"model": f"sim-{name}", "max_tokens": 99, "stream": stream, "messages": messages}


async def test_streams_and_documents_are_masked_as_they_are_recorded() -> None:
    async with house() as made:
        for path in ("/anthropic/v1/messages", "/openai/v1/chat/completions"):
            for stream in (True, False):
                answer = await made.client.post(path, json=scenario("split", stream))
                assert answer.status_code == 200, answer.text
                assert SSN not in answer.text
                assert CARD not in answer.text
                assert answer.content in made.frames("response")
        await made.until("exchange.end")
        found = {finding["rule"] for event in made.events("masking.applied") for finding in event["data"]["findings"]}
        assert found == {"card", "us_ssn"}
        written = made.everything_written()
        assert SSN.encode() not in written
        assert CARD.encode() not in written


async def test_a_verdicts_profile_is_put_on_top_of_the_floor() -> None:
    async with house(masking=("mail",)) as made:
        answer = await made.client.post("/anthropic/v1/messages", json=scenario("customer", False))
        assert answer.status_code == 200
        for secret in (SSN, "4111 1111 1111 1111", MAIL):
            assert secret not in answer.text
    async with house(masking=("unheard-of",)) as made:
        answer = await made.client.post("/anthropic/v1/messages", json=scenario("customer", False))
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unknown_profile")
        assert not made.upstream.received


async def test_a_hold_that_is_granted_and_one_that_is_refused() -> None:
    async with house(**HELD) as made:
        call = asyncio.ensure_future(made.client.post("/http/transfers", json={"ssn": SSN}))
        shown = await made.answer(grant=True)
        assert SSN not in shown
        assert (await call).status_code < 300
        assert json.loads(made.upstream.received[-1]["body"]) == {"ssn": SSN}
        call = asyncio.ensure_future(made.client.post("/http/transfers", json={"ssn": "other"}))
        await made.answer(grant=False)
        answer = await call
        assert answer.status_code == 403, answer.text
        assert answer.json()["code"] == "approval_refused", answer.text
        assert answer.json()["detail"].startswith("Checked.")
        assert len(made.upstream.received) == 1


async def test_approvals_may_be_restarted_while_a_request_is_held() -> None:
    async with house(**HELD) as made:
        call = asyncio.ensure_future(made.client.post("/http/transfers", json={"a": 1}))
        await made.until("frame.recorded")
        await asyncio.sleep(0.3)
        made.service.kill()
        await asyncio.sleep(0.3)
        assert not call.done()
        made.service.start()
        await made.answer(grant=True)
        assert (await call).status_code < 300


async def test_killed_in_mid_stream_the_answer_breaks_off_without_a_raw_byte() -> None:
    async with house() as made:
        body = scenario("leaky", True)
        seen = b""

        async def read() -> None:
            nonlocal seen
            async with made.client.stream("POST", "/anthropic/v1/messages", json=body) as answer:
                async for part in answer.aiter_raw():
                    seen += part
                    if made.process and made.process.poll() is None and len(seen) > 1500:
                        made.end(signal.SIGKILL)

        with pytest.raises(httpx.HTTPError):
            await read()
        assert len(seen) > 1500
        assert SSN.encode() not in seen
        assert seen.rpartition(b"\n\n")[0] in made.frames("response")
        made.start()
        assert (await made.client.post("/anthropic/v1/messages", json=scenario("greeting", False))).status_code == 200
        assert [event["data"]["previous_stopped"] for event in made.events("lifecycle.start")] == [True, False]


async def test_killed_in_a_hold_nothing_goes_and_the_grant_is_found_again() -> None:
    async with house(**HELD) as made:
        call = asyncio.ensure_future(made.client.post("/http/transfers", json={"a": 1}))
        await made.until("frame.recorded")
        await asyncio.sleep(0.3)
        made.end(signal.SIGKILL)
        assert (await call).status_code == 503
        assert not made.upstream.received
        made.start()
        call = asyncio.ensure_future(made.client.post("/http/transfers", json={"a": 1}))
        await made.answer(grant=True)
        assert (await call).status_code < 300
        assert len(made.upstream.received) == 1


async def test_told_to_stop_it_lets_an_answer_finish_and_closes_its_books() -> None:
    async with house() as made:
        call = asyncio.ensure_future(made.client.post("/anthropic/v1/messages", json=scenario("long", True)))
        await made.until("frame.recorded")
        await asyncio.sleep(0.3)
        code = await asyncio.to_thread(made.end, signal.SIGTERM)
        answer = await call
        assert (code, answer.status_code) == (0, 200)
        assert b"message_stop" in answer.content
        assert [event["type"] for event in made.events()][-2:] == ["exchange.end", "lifecycle.stop"]
        assert made.events("exchange.end")[-1]["data"]["outcome"] == "answered"


async def test_told_to_stop_it_does_not_let_a_held_request_go() -> None:
    async with house(**HELD) as made:
        toml = made.service.folder / "exeat.toml"
        toml.write_text(toml.read_text() + "\n[envoy]\ndrain_seconds = 1\n")
        made.end(signal.SIGTERM)
        made.start()
        call = asyncio.ensure_future(made.client.post("/http/transfers", json={"a": 1}))
        await made.until("frame.recorded")
        await asyncio.sleep(0.3)
        assert await asyncio.to_thread(made.end, signal.SIGTERM) == 0
        assert (await call).status_code == 503
        assert not made.upstream.received
        assert [event["type"] for event in made.events()][-2:] == ["exchange.end", "lifecycle.stop"]


async def test_a_new_snapshot_reaches_the_next_answer() -> None:
    async with house() as made:
        before = await made.client.post("/anthropic/v1/messages", json=scenario("customer", False))
        assert MAIL in before.text
        files = {"data/connections.yaml": _connections(1), "data/roles.yaml": "{}\n"}
        files["data/masking.yaml"] = "profiles:\n  floor:\n    - detect: [card, us_ssn, email]\n"
        publish(made.settings.gateway.state_dir, files)
        after = await made.client.post("/anthropic/v1/messages", json=scenario("customer", False))
        assert MAIL not in after.text


async def test_a_second_one_says_in_one_sentence_why_it_does_not_start() -> None:
    async with house() as made:
        environment = {**os.environ, "EXEAT_CONFIG": str(made.service.folder / "exeat.toml")}  # noqa: TID251
        second = [sys.executable, "-m", "extproc"]
        result = await asyncio.to_thread(subprocess.run, second, env=environment, capture_output=True, text=True)
        assert result.returncode == 1
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert "Traceback" not in result.stderr
