"""A masker that blots out given words: what rooms need of masking, without its rules."""

from collections.abc import Sequence
from typing import Any

from masking.errors import Blocked, Uninspectable
from masking.finding import Finding
from snapshot.connections import Connection, parse_connections
from snapshot.current import Snapshot

DIGEST = "sha256:" + "5" * 64
CONNECTIONS = """
anthropic: {kind: anthropic, upstream: "https://api.anthropic.com"}
openai: {kind: openai, upstream: "https://api.openai.com/v1"}
ledger: {kind: http, upstream: "https://ledger.internal/api", risk: high, sql_fields: ["$.query"]}
files: {kind: http, upstream: "https://files.internal", uninspectable: {pass: [image/*]}}
"""


class Masked:
    def __init__(self, data: bytes, findings: tuple[Finding, ...]) -> None:
        self.data, self.findings = data, findings


class Blot:
    """Replaces each word by `[blot]`; refuses `blocked`; reads JSON and text alone."""

    def __init__(self, *words: str, blocked: str = "") -> None:
        self._words, self._blocked = words, blocked

    def body(self, media: str, data: bytes, *, encoding: str = "identity", complete: bool = False) -> Masked:
        if "json" not in media and not media.startswith("text/"):
            raise Uninspectable
        text, found = self.text(data.decode(), "$")
        return Masked(text.encode(), found)

    def text(self, text: str, where: str = "") -> tuple[str, tuple[Finding, ...]]:
        if self._blocked and self._blocked in text:
            raise Blocked("blocked_word")
        found = []
        for word in self._words:
            if word in text:
                found.append(Finding("blot", "1", where, "redact", text.count(word), "tok_1"))
                text = text.replace(word, "[blot]")
        return text, tuple(found)

    def target(self, text: str) -> tuple[str, tuple[Finding, ...]]:
        return self.text(text, "$")

    def headers(self, headers: Sequence[tuple[str, bytes]]) -> tuple[list[tuple[str, bytes]], tuple[Finding, ...]]:
        masked, findings = [], []
        for name, value in headers:
            text, found = self.text(value.decode(), name)
            masked.append((name, text.encode()))
            findings += found
        return masked, tuple(findings)


class Rules:
    """A ruleset whose every masker is the same; `asked` keeps what was asked for."""

    def __init__(self, masker: Any) -> None:
        self._masker = masker
        self.asked: list[tuple[Any, ...]] = []

    def masker(self, profiles: Sequence[str], *, keys: Any, connection: str = "", direction: str = "response") -> Any:
        self.asked.append((tuple(profiles), connection, direction))
        return self._masker


def known(text: str = CONNECTIONS) -> dict[str, Connection]:
    return parse_connections(text, "connections.yaml")


def snapshot(masker: Any = None, text: str = CONNECTIONS) -> Snapshot:
    rules: Any = Rules(masker or Blot("planted-secret"))
    return Snapshot(DIGEST, known(text), rules, {})
