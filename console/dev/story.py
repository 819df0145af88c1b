"""The demo's story: what an agent, an approver and an auditor see, through real SDKs and the real CLI.

Each step asserts what it tells; the first thing that is not so ends the story with DemoFailed.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anthropic
import click
import httpx
import openai

from audit.store.client import auditor_client
from console.dev.house import House
from runtime.errors import GatewayError
from runtime.settings import Settings

T = TypeVar("T")
MODEL, GPT = "claude-sonnet-5", "gpt-5"
SSN, CARD = "536-22-1234", "4111"
SESSION = "demo-{}"
TRANSFER = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000", "amount": "1200.00"}
PATIENCE_SECONDS = 30.0


class DemoFailed(GatewayError):
    code = "demo_failed"


def expect(condition: object, sentence: str) -> None:
    if not condition:
        raise DemoFailed(f"the demo did not see what it should have seen: {sentence}")


@dataclass
class Story:
    house: House
    settings: Settings
    began: float = field(default_factory=time.monotonic)
    exchanges: list[str] = field(default_factory=list)

    def tell(self, what: str, seen: str) -> None:
        click.echo(f"  {time.monotonic() - self.began:5.1f} s  {what:<9} {seen}")

    def run(self) -> None:
        for step in (allowed, masked, masked_stream, denied, granted, refused, queried, replayed, verified):
            step(self)

    def cli(self, *arguments: str, code: int = 0) -> str:
        """Runs `exeat …` as a person would. Raises DemoFailed when it ends with another exit code than `code`."""
        command = [sys.executable, "-m", "console.cli", "-c", str(self.house.config), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS * 2, check=False)
        words = f"exeat {' '.join(arguments)} ended with {result.returncode}: {result.stderr.strip()[-400:]}"
        expect(result.returncode == code, words)
        return result.stdout + (result.stderr if code else "")

    def token(self, name: str) -> str:
        return self.cli("token", "--as", name).strip()

    def anthropic(self, agent: str) -> anthropic.Anthropic:
        headers = {"x-exeat-session": SESSION.format(agent)}
        url = f"{self.house.gateway}/anthropic"
        return anthropic.Anthropic(base_url=url, api_key=self.token(agent), default_headers=headers, max_retries=0)

    def openai(self, agent: str, connection: str = "openai/v1") -> openai.OpenAI:
        """A client with only base URL and token set; `ledger` shows that any HTTP API works the same way."""
        headers = {"x-exeat-session": SESSION.format(agent)}
        url = f"{self.house.gateway}/{connection}"
        return openai.OpenAI(base_url=url, api_key=self.token(agent), default_headers=headers, max_retries=0)

    def keep(self, headers: httpx.Headers | Any) -> str:
        exchange = str(headers.get("x-exeat-decision", ""))
        expect(exchange, "an answer without a decision id")
        self.exchanges.append(exchange)
        return exchange


def allowed(story: Story) -> None:
    with story.anthropic("research-agent") as client:
        raw = client.messages.with_raw_response.create(model=MODEL, max_tokens=64, messages=_said("Good morning."))
    text = raw.parse().content[0].text  # type: ignore[union-attr]
    expect(text.startswith("Hello"), f"the upstream's greeting, got {text!r}")
    story.tell("allowed", f"anthropic SDK, research-agent: {text!r} (decision {story.keep(raw.headers)[:13]}…)")


def masked(story: Story) -> None:
    with story.openai("research-agent") as client:
        raw = client.chat.completions.with_raw_response.create(model=GPT, messages=_said("play: customer"))
    story.keep(raw.headers)
    text = raw.parse().choices[0].message.content or ""
    expect(SSN not in text and CARD not in text, "a number that should have been masked")
    story.tell("masked", f"openai SDK, one JSON answer: {text!r}")


def masked_stream(story: Story) -> None:
    pieces: list[str] = []
    with (
        story.anthropic("research-agent") as client,
        client.messages.stream(model=MODEL, max_tokens=64, messages=_said("play: split")) as stream,
    ):
        pieces.extend(stream.text_stream)
        final = stream.get_final_text()
        story.keep(stream.response.headers)
    expect(SSN not in final and "411" not in final, "a number put together from its deltas")
    expect(final == "".join(pieces) and "as asked." in final, "the whole text, piece by piece")
    story.tell("masked", f"anthropic SDK, a stream whose numbers came in 10 deltas: {final!r}")


def denied(story: Story) -> None:
    try:
        with story.anthropic("intern-agent") as client:
            client.messages.create(model=MODEL, max_tokens=64, messages=_said("Good morning."))
    except anthropic.PermissionDeniedError as error:
        story.keep(error.response.headers)
        body: Any = error.body
        story.tell("denied", f"intern-agent, anthropic.PermissionDeniedError: {body['error']['message']}")
        return
    expect(False, "intern-agent was let through")


def granted(story: Story) -> None:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(_transfer, story)
        card = _waiting(story, future)
        story.tell("held", f"ledger-agent wants POST /transfers; approval {card['id'][:13]}… waits: {card['message']}")
        story.cli("approvals", "grant", card["id"], "--as", "alice", "--justification", "invoice 4711, checked")
        answer = future.result(PATIENCE_SECONDS)
    expect(answer.status_code == 201, f"the booking after the grant, got {answer.status_code}")
    story.keep(answer.headers)
    story.tell("granted", f"by alice with `exeat approvals grant`; the waiting call went on: {answer.json()}")


def refused(story: Story) -> None:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(_transfer, story)
        card = _waiting(story, future)
        story.cli("approvals", "refuse", card["id"], "--as", "alice", "--justification", "unknown payee")
        try:
            future.result(PATIENCE_SECONDS)
        except openai.PermissionDeniedError as error:
            story.keep(error.response.headers)
            story.tell("refused", f"by alice; openai.PermissionDeniedError: {_detail(error)}")
            return
    expect(False, "a refused transfer was let through")


def queried(story: Story) -> None:
    client = auditor_client(story.settings)
    names = ", ".join(f"'{exchange}'" for exchange in story.exchanges)
    query = f"SELECT exchange, subject, effect FROM audit.decisions WHERE exchange IN ({names})"  # noqa: S608 - our ids
    rows = _until(lambda: client.query(query).result_rows, lambda rows: len(rows) >= len(story.exchanges))
    effects = sorted(str(row[2]) for row in rows)
    expect(
        effects == ["allow", "allow", "allow", "deny", "hold", "hold"], f"six decisions in ClickHouse, got {effects}"
    )
    where = story.settings.clickhouse.url
    story.tell("queried", f"the same six exchanges by SQL through clickhouse-connect at {where}: {', '.join(effects)}")


def replayed(story: Story) -> None:
    wanted = f"SELECT session FROM audit.events WHERE type = 'exchange.end' AND exchange = '{story.exchanges[2]}'"  # noqa: S608
    client = auditor_client(story.settings)
    rows = _until(lambda: client.query(wanted).result_rows, bool)
    session = str(rows[0][0])
    text = story.cli("sessions", "replay", session, "--speed", "1000")
    expect("as asked" in text and SSN not in text, "the masked stream in the replay")
    story.tell(
        "replayed", f"`exeat sessions replay {session[:40]}`: {len(text.splitlines())} lines, masked as recorded"
    )


def verified(story: Story) -> None:
    _until(lambda: story.cli("audit", "verify"), lambda text: bool(text))
    story.tell("verified", "`exeat audit verify`: the chain, the signed log and the rows agree")
    copy = story.house.folder / "copy"
    story.cli("audit", "export", str(copy))
    name = alter_one_row(copy / "events.jsonl")
    said = story.cli("audit", "verify", str(copy), code=1)
    expect(name in said, f"the altered row {name} in: {said[:400]}")
    line = next(line for line in said.splitlines() if name in line)
    story.tell("tampered", f"one row of a copy altered, and verify names it: {line.strip()}")


def alter_one_row(path: Path, old: str = "decision.deny", new: str = "decision.allow") -> str:
    """Changes one event in an exported copy, as someone with a text editor would; returns `writer/seq`."""
    lines = path.read_text("utf-8").splitlines()
    place = next(n for n, line in enumerate(lines) if old in line)
    row = json.loads(lines[place])
    row["body"] = row["body"].replace(old, new)
    lines[place] = json.dumps(row)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return f"{row['writer']}/{row['seq']}"


def _said(text: str) -> Any:
    return [{"role": "user", "content": text}]


def _transfer(story: Story) -> httpx.Response:
    headers = {"x-exeat-justification": "pays invoice 4711"}
    with story.openai("ledger-agent", "ledger") as client:
        answer: httpx.Response = client.post(
            "/transfers", body=TRANSFER, cast_to=httpx.Response, options={"headers": headers}
        )
        return answer


def _waiting(story: Story, future: "Future[httpx.Response]") -> dict[str, Any]:
    def pending() -> list[dict[str, Any]]:
        if future.done():
            future.result()
            expect(False, "the transfer was not held")
        cards: list[dict[str, Any]] = json.loads(story.cli("approvals", "list", "--as", "alice", "--json"))
        return [card for card in cards if card["state"] == "requested"]

    (card,) = _until(pending, bool)
    return dict(card)


def _detail(error: openai.PermissionDeniedError) -> str:
    body: Any = error.response.json()
    return str(body.get("detail") or body)


def _until(ask: Callable[[], T], good: Callable[[T], bool]) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    for answer in _repeat(ask):
        if good(answer):
            return answer
        expect(time.monotonic() < deadline, f"an answer within {PATIENCE_SECONDS:.0f} s, the last was {answer!r:.300}")
    raise AssertionError


def _repeat(ask: Callable[[], T]) -> Iterator[T]:
    while True:
        yield ask()
        time.sleep(0.2)
