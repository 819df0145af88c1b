"""Traffic that is accounted for: every request carries a mark, and afterwards each mark's story must be whole."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.kit.gateway import Gateway, eventually

SECRETS = (b"536-22-1234", b"4111111111111111", b"4111 1111 1111 1111", b"GB82WEST12345698765432")
CUT = 6  # a piece of a secret of this many bytes is a leak too


@dataclass
class Attempt:
    """One request as its client saw it. `status` 0: no answer at all."""

    mark: str
    status: int = 0
    exchange: str = ""
    received: bytes = b""
    ended: str = ""

    @property
    def told(self) -> str:
        """How it ended for the client, in a word or two."""
        if self.ended == "end":
            return str(self.status)
        return f"{self.status} and cut" if self.status else "no answer"


@dataclass
class Traffic:
    gateway: Gateway
    attempts: list[Attempt] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def json(self) -> Attempt:
        """A masked JSON answer."""
        return self._ask({"model": "gpt-5", "messages": [{"role": "user", "content": "play: customer"}]})

    def stream(self, play: str = "leaky") -> Attempt:
        """A masked stream, read to its end or to its cut."""
        body = {"model": "gpt-5", "stream": True, "messages": [{"role": "user", "content": f"play: {play}"}]}
        return self._ask(body)

    def denied(self) -> Attempt:
        """Of an agent whose groups open nothing."""
        return self._ask({"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}, agent="intern-agent")

    def transfer(self) -> Attempt:
        """A write that a person must grant."""
        body = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000", "amount": "1.00"}
        return self._ask({**body}, agent="ledger-agent", path="/ledger/transfers", timeout=25)

    def begin_stream(self) -> Attempt:
        """Starts a stream in a thread and returns once its first bytes are here."""
        found: list[Attempt] = []
        thread = threading.Thread(target=lambda: self.stream_into(found), daemon=True)
        self._threads.append(thread)
        thread.start()
        (attempt,) = eventually(lambda: list(found), lambda seen: bool(seen) and len(seen[0].received) > 0)
        return attempt

    def stream_into(self, found: list[Attempt]) -> None:
        body = {"model": "gpt-5", "stream": True, "messages": [{"role": "user", "content": "play: leaky"}]}
        self._ask(body, found)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"

    def _ask(
        self,
        body: dict[str, object],
        found: list[Attempt] | None = None,
        *,
        agent: str = "research-agent",
        path: str = "/openai/v1/chat/completions",
        timeout: float = 40,
    ) -> Attempt:
        attempt = Attempt(uuid.uuid4().hex)
        self.attempts.append(attempt)
        if found is not None:
            found.append(attempt)
        headers = self.gateway.headers(agent, jti=attempt.mark) | {"x-exeat-justification": "pays invoice 4711"}
        try:
            with (
                httpx.Client(base_url=self.gateway.url, timeout=timeout) as client,
                client.stream("POST", path, json={**body, "user": attempt.mark}, headers=headers) as answer,
            ):
                attempt.status = answer.status_code
                attempt.exchange = answer.headers.get("x-exeat-decision", "")
                for chunk in answer.iter_raw():
                    attempt.received += chunk
                attempt.ended = "end"
        except httpx.HTTPError as error:
            attempt.ended = type(error).__name__
        return attempt


def assert_no_leak(attempts: list[Attempt]) -> None:
    """No secret and no piece of one of CUT bytes or more."""
    for attempt in attempts:
        for secret in SECRETS:
            for start in range(len(secret) - CUT + 1):
                piece = secret[start : start + CUT]
                assert piece not in attempt.received, (piece, attempt.mark)


def assert_accounted(gateway: Gateway, attempts: list[Attempt]) -> None:
    """Whatever the upstream received was decided; whatever was decided is in the store, once, and verifies."""
    reached = {entry["body"] for entry in gateway.upstream.received}
    decided = _decisions(gateway, [attempt.mark for attempt in attempts])
    used = _used(gateway, [attempt.mark for attempt in attempts])
    for attempt in attempts:
        if any(attempt.mark in body for body in reached):
            assert decided.get(attempt.mark) == 1, f"{attempt.mark} reached the upstream undecided"
            assert used.get(attempt.mark, 1) == 1, f"{attempt.mark} was held and reached the upstream without its grant"
        if attempt.exchange and attempt.status != 503:  # what fails on a full disk can be answered, not recorded
            assert decided.get(attempt.mark) == 1, f"{attempt.mark} was answered without one decision"


def _used(gateway: Gateway, marks: list[str]) -> dict[str, int]:
    """Of those that were held: how many grants were used for each."""
    query = (
        "SELECT JSONExtractString(d.body, 'data', 'identity', 'jti'), countIf(a.type = 'approval.used')"
        " FROM audit.events AS d LEFT JOIN audit.events AS a ON a.exchange = d.exchange"
        " WHERE d.type = 'decision.hold' GROUP BY 1"
    )
    counts = {str(mark): int(count) for mark, count in gateway.sql(query)}
    return {mark: counts[mark] for mark in marks if mark in counts}


def _decisions(gateway: Gateway, marks: list[str]) -> dict[str, int]:
    """Decisions per mark (the token's `jti`), once the shipper has caught up with the spools."""
    gateway.settled()
    query = (
        "SELECT JSONExtractString(body, 'data', 'identity', 'jti') AS mark, count() FROM audit.events"
        " WHERE kind = 'decision' GROUP BY mark"
    )
    counts = {str(mark): int(count) for mark, count in gateway.sql(query)}
    return {mark: counts[mark] for mark in marks if mark in counts}


@contextmanager
def watched(gateway: Gateway) -> Iterator[Traffic]:
    """Traffic whose account is closed at the end."""
    traffic = Traffic(gateway)
    yield traffic
    traffic.join()
    gateway.serves()
    assert_no_leak(traffic.attempts)
    assert_accounted(gateway, traffic.attempts)
