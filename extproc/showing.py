"""What an approver is to be shown of a held request: everything masked, put together as it is read. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

from approvals.view import Hit, View
from extproc.past import Past, Sent, compare
from extproc.record import Exchange
from extproc.rules import Rules
from extproc.tools.call import Call
from masking import Finding
from snapshot.verdict import Verdict


class Showing:
    """`note` for each request, held or not: the next one of the same identity is compared with it."""

    def __init__(self, exchange: Exchange, rules: Rules, past: Past) -> None:
        self._exchange, self._rules, self._past = exchange, rules, past
        self._view = View("")

    def note(self, verdict: Verdict, now_us: int, masked: bytes | None) -> None:
        """`masked`: None for a body that cannot be read."""
        path = self._exchange.path.partition("?")[0]
        who = (verdict.issuer, verdict.subject, verdict.agent)
        now = Sent(verdict.exchange, now_us, verdict.request_digest, masked)
        before = self._past.remember((*who, verdict.connection, self._exchange.method, path), now)
        if verdict.approval is not None:
            self._view = replace(self._view, previous=compare(before, now))

    def content(self, media: str, text: str, findings: Sequence[Finding] = ()) -> None:
        self._view = replace(self._view, content=text, media=media, findings=_hits(findings))

    def call(self, verdict: Verdict, call: Call, now_us: int) -> View:
        """Of a tool call, which was masked with the answer; compared with the last call of that tool."""
        said = json.dumps([call.tool, call.arguments], ensure_ascii=False).encode("utf-8", "replace")
        digest = hashlib.sha256(said).hexdigest()
        floor = self._rules.floor(verdict, "response")
        tool, content = floor.text(call.tool)[0], floor.text(call.arguments)[0]
        now = Sent(verdict.exchange, now_us, digest, content.encode("utf-8", "replace"))
        who = (verdict.issuer, verdict.subject, verdict.agent)
        before = self._past.remember((*who, verdict.connection, "CALL", call.tool), now)
        return View(
            content,
            "application/json" if content[:1] in ("{", "[") else "text/plain",
            digest,
            len(call.arguments.encode("utf-8", "replace")),
            f"tool {tool}",
            tool,
            self._rules.connection(verdict.connection).risk,
            verdict.rule,
            f"The model calls {tool}.",
            tuple(verdict.reasons.splitlines()),
            previous=compare(before, now),
        )

    def view(self, verdict: Verdict) -> View:
        """The whole; nothing is kept of it."""
        view, self._view = self._view, View("")
        line = f"{self._exchange.method} {self._exchange.path}"
        action, found = self._rules.floor(verdict, "request").target(line)
        return replace(
            view,
            action=action,
            digest=verdict.request_digest,
            size=self._exchange.request_bytes,
            risk=self._rules.connection(verdict.connection).risk,
            rule=verdict.rule,
            message=verdict.message,
            reasons=tuple(verdict.reasons.splitlines()),
            findings=(*_hits(found, "path"), *view.findings),
        )


def _hits(findings: Sequence[Finding], where: str = "") -> tuple[Hit, ...]:
    return tuple(Hit(found.rule, where or found.where, found.count, found.token) for found in findings)
