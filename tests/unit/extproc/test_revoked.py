"""Whoever is revoked is stopped where they stand."""

import json
from typing import Any

import pytest

from approvals.revocations import By, Made, Revocations, Scope, fold
from extproc import commands as cmd
from extproc import events as ev
from extproc.stream import Limits, Stream
from tests.kit.masks import PlainRules
from tests.kit.playbook import (
    Playbook,
    chunk,
    held,
    record,
    recorded,
    refuse,
    request_body,
    request_headers,
    response_headers,
    verdict,
)


def known(scope: Scope = Scope.AGENT, value: str = "research-agent", issuer: str = "") -> Revocations:
    return Revocations([fold([Made(1, 1, "r-1", scope, value, issuer, "stolen", By("people", "erin"))])])


def play(revocations: Revocations) -> Playbook:
    return Playbook(Stream(PlainRules(), Limits(), revocations=revocations))


def ended(line: Playbook) -> dict[str, Any]:
    (command,) = [it for it in line.said if isinstance(it, cmd.Record) and it.tag == "end"]
    data: dict[str, Any] = command.drafts[-1].data
    return data


@pytest.mark.parametrize(
    ("scope", "value"),
    [(Scope.AGENT, "research-agent"), (Scope.SUBJECT, "agent-7"), (Scope.SESSION, "s-1"), (Scope.JTI, "j-1")],
)
def test_between_decision_and_stream_nobody_slips_through(scope: Scope, value: str) -> None:
    line = play(known(scope, value)) >> request_headers(verdict(jti="j-1")) << refuse(403, "revoked")
    assert (ended(line.skip())["code"], ended(line)["revocation"]) == ("revoked", "r-1")


@pytest.mark.parametrize(
    "others",
    [known(value="another"), known(issuer="https://another"), known(Scope.SUBJECT, "research-agent")],
)
def test_others_go_on(others: Revocations) -> None:
    line = play(others) >> request_headers(verdict()) << cmd.PassHeaders()
    assert line


def test_a_grant_is_not_used_for_who_was_revoked_meanwhile() -> None:
    meanwhile = Revocations()
    line = play(meanwhile) >> request_headers(held()) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    line = (line << record("request") >> recorded("request")).skip() >> ev.Asked("a-1", "requested")
    line = line.skip() >> ev.Answered("granted") << cmd.Consume("a-1", held().request_digest)
    for revocation in known().active():
        meanwhile.put(revocation)
    line = line >> ev.Consumed(True) << refuse(403, "revoked")
    assert not [it for it in line.said if isinstance(it, cmd.PassBody)]


def answering(media: str, first: bytes) -> Playbook:
    """Stands where `first` has gone to the caller."""
    line = forwarded() >> response_headers(media)
    return ((line.skip() >> chunk(first)).skip() >> recorded()).skip()


def forwarded() -> Playbook:
    line = play(Revocations()) >> request_headers(verdict()) << cmd.PassHeaders() >> request_body()
    return (line << record("request") >> recorded("request")).skip()


def test_a_stream_ends_with_a_well_formed_event() -> None:
    line = answering("text/event-stream", b'data: {"type":"ping"}\n\n') >> ev.Revoked("r-1")
    (last,) = [it for it in line.said if isinstance(it, cmd.SendBody) and it.end]
    name, data, _ = last.data.split(b"\n", 2)
    assert name == b"event: error"
    said = json.loads(data.removeprefix(b"data: "))
    assert "revoked" in said["error"]["message"]
    assert ended(line.skip())["usage"] | {"output_tokens": 0} == {
        "requests": 1, "input_tokens": 0, "output_tokens": 0, "rows": 0, "values": 0, "estimated": False,
    }  # fmt: skip
    assert ended(line) | {"duration_us": 0, "started_us": 0, "ended_us": 0, "usage": 0} == {
        "status": 200, "request_bytes": 13, "response_bytes": ended(line)["response_bytes"], "duration_us": 0,
        "started_us": 0, "ended_us": 0, "outcome": "cut", "code": "revoked", "revocation": "r-1", "usage": 0,
    }  # fmt: skip
    assert (line >> chunk(b'data: {"type":"ping"}\n\n')) is line
    assert len([it for it in line.said if isinstance(it, cmd.SendBody) and it.end]) == 1, "and nothing after it"


def test_an_answer_that_is_no_stream_is_reset() -> None:
    line = answering("text/plain", b"words and more of them " * 40) >> ev.Revoked("r-1")
    assert [it for it in line.said if isinstance(it, cmd.Reset)] == [cmd.Reset("revoked")]
    assert ended(line.skip())["code"] == "revoked"


def test_before_its_first_byte_it_is_a_refusal() -> None:
    line = forwarded() >> ev.Revoked("r-1") << refuse(403, "revoked")
    assert ended(line.skip())["outcome"] == "refused"
