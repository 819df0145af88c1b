"""A test of extproc as the conversation itself: `>>` an event goes in, `<<` a command must come out.

    assert Playbook(stream) >> request_headers(verdict) << PassHeaders() >> request_body(b"…") << record("request") …

Timers are not part of the line; they stand in `play.timers` (name → seconds). Nothing may be left over at the next
event or at the end (`assert play`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from extproc import commands as cmd
from extproc import events as ev
from extproc.stream import Stream
from snapshot.decision import ApprovalTerms, Effect
from snapshot.verdict import Verdict

BODY = b'{"model":"m"}'
TERMS = ApprovalTerms(any=("ledger-approvers",), expires_s=540)


class Playbook:
    def __init__(self, stream: Stream, now_us: int = 1_000_000) -> None:
        self.stream, self.now_us = stream, now_us
        self.timers: dict[str, float] = {}
        self.said: list[cmd.Command] = []
        self._left: list[cmd.Command] = []

    def __rshift__(self, event: ev.Event) -> Self:
        assert not self._left, f"not expected before {event}: {self._left}"
        self.now_us += 1000
        for command in self.stream.handle(event, self.now_us):
            self.said.append(command)
            match command:
                case cmd.SetTimer(name, seconds):
                    self.timers[name] = seconds
                case cmd.StopTimer(name):
                    self.timers.pop(name, None)
                case _:
                    self._left.append(command)
        return self

    def __lshift__(self, expected: object) -> Self:
        assert self._left, f"nothing came where {expected} was expected, in state {self.stream.state}"
        got = self._left.pop(0)
        assert expected == got, f"expected {expected}, got {got}"
        return self

    def skip(self) -> Self:
        """What has come and was not looked at is of no interest."""
        self._left.clear()
        return self

    def __bool__(self) -> bool:
        assert not self._left, f"not expected: {self._left}"
        return True


@dataclass(frozen=True)
class Like:
    """Equal to every command that `check` accepts."""

    text: str
    check: Callable[[Any], bool]

    def __eq__(self, other: object) -> bool:
        return self.check(other)

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text


# what comes


def verdict(body: bytes = BODY, **fields: Any) -> Verdict:
    base: dict[str, Any] = {
        "exchange": "e-1",
        "effect": Effect.ALLOW,
        "connection": "anthropic",
        "kind": "anthropic",
        "snapshot": "sha256:" + "0" * 64,
        "session": "s-1",
        "issuer": "https://idp",
        "subject": "agent-7",
        "agent": "research-agent",
        "request_digest": hashlib.sha256(body).hexdigest(),
    }
    return Verdict(**{**base, **fields})


def held(body: bytes = BODY, **terms: Any) -> Verdict:
    return verdict(body, effect=Effect.HOLD, approval=replace(TERMS, **terms), rule="ledger_write", message="A write.")


def request_headers(known: Verdict | None, end: bool = False, **headers: str) -> ev.RequestHeaders:
    values = {":method": "POST", ":path": "/anthropic/v1/messages", "content-type": "application/json"}
    values |= {name.replace("_", "-"): value for name, value in headers.items()}
    return ev.RequestHeaders(_headers(values), end, known.to_metadata() if known else None)


def request_body(data: bytes = BODY, end: bool = True) -> ev.RequestBody:
    return ev.RequestBody(data, end)


def response_headers(media: str = "application/json", end: bool = False, status: int = 200, **more: str) -> Any:
    values = {":status": str(status)} | ({"content-type": media} if media else {})
    values |= {name.replace("_", "-"): value for name, value in more.items()}
    return ev.ResponseHeaders(_headers(values), end)


def chunk(data: bytes, end: bool = False) -> ev.ResponseBody:
    return ev.ResponseBody(data, end)


def trailers(**headers: str) -> ev.ResponseTrailers:
    return ev.ResponseTrailers(_headers({name.replace("_", "-"): value for name, value in headers.items()}))


def _headers(values: dict[str, str]) -> ev.Headers:
    return tuple((name, value.encode()) for name, value in values.items())


def recorded(tag: str = "response") -> ev.Recorded:
    return ev.Recorded(tag)


def lost(tag: str = "response", code: str = "spool_full") -> ev.RecordFailed:
    return ev.RecordFailed(tag, code)


# what goes


def record(tag: str, *types: str) -> Like:
    """The Record of this tag; `types` are those of its drafts, any if none are given."""
    return Like(
        f"Record({tag}, {types})",
        lambda it: (
            isinstance(it, cmd.Record)
            and it.tag == tag
            and (not types or tuple(draft.type for draft in it.drafts) == types)
        ),
    )


def end(outcome: str, code: str = "") -> Like:
    """The record of the end."""

    def check(it: Any) -> bool:
        if not isinstance(it, cmd.Record) or it.tag != "end":
            return False
        data = it.drafts[-1].data
        return it.drafts[-1].type == "exchange.end" and (data["outcome"], data.get("code", "")) == (outcome, code)

    return Like(f"end of the exchange: {outcome} {code}", check)


def refuse(status: int, code: str) -> Like:
    return Like(
        f"Refuse({status}, {code})",
        lambda it: isinstance(it, cmd.Refuse) and (it.answer.status, it.code) == (status, code),
    )


def headers(**values: str) -> Like:
    """SendHeaders that puts at least these (underscores are dashes)."""
    want = {name.replace("_", "-"): (value.encode(),) for name, value in values.items()}
    return Like(
        f"SendHeaders({values})",
        lambda it: isinstance(it, cmd.SendHeaders) and want.items() <= dict(it.edit.put).items(),
    )


def ask() -> Like:
    return Like("AskApproval", lambda it: isinstance(it, cmd.AskApproval))


def body(data: bytes, end: bool = False) -> cmd.SendBody:
    return cmd.SendBody(data, end)
