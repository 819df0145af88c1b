"""Everything that reaches Rego passes the masker on its way."""

import hashlib
import json
from typing import Any

import pytest

from authz import wire
from authz.describe import Described, describe_request
from authz.errors import BodyMalformed, BodyUnsupported, CredentialsMisplaced, HeaderRefused
from authz.request import target
from masking.errors import Blocked, Uninspectable
from tests.kit.blot import Blot, known
from tests.kit.checks import check, message

SECRET = "planted-secret"


def described(path: str, masker: Any = None, **fields: Any) -> Described:
    asked = wire.read(check(path, **fields))
    where = target(asked)
    digest = hashlib.sha256(asked.body).hexdigest()
    return describe_request(asked, where, known()[where.connection], masker or Blot(SECRET), 1 << 20, digest)


def test_a_generation() -> None:
    found = described("/anthropic/v1/messages", method="POST", body=message(stream=True))
    assert (found.host, found.path, found.action.kind) == ("api.anthropic.com", "/v1/messages", "llm.generate")
    assert found.action.model == "simulated"
    assert found.digest == hashlib.sha256(json.dumps(message(stream=True)).encode()).hexdigest()
    assert found.headers == {"content-type": "application/json"}


def test_nothing_unmasked_remains_anywhere() -> None:
    found = described(
        f"/ledger/accounts/{SECRET}?{SECRET}=1&q={SECRET}",
        method="POST",
        headers=[("user-agent", SECRET), ("x-exeat-justification", f"because {SECRET}")],
        body={"query": f"select '{SECRET}' from t", SECRET: [SECRET]},
    )
    assert SECRET not in repr(found)
    assert found.path == "/api/accounts/[blot]"
    assert found.query == {"[blot]": ["1"], "q": ["[blot]"]}
    assert found.headers["user-agent"] == "[blot]"
    assert found.justification == "because [blot]"
    assert found.action.to_input()["sql"]["statements"][0]["tables"] == ["t"]
    places = {finding.where for finding in found.findings}
    assert places == {"path", "query", "query.q", "headers.user-agent", "$", "justification"}


def test_values_of_one_header_are_joined() -> None:
    assert described("/ledger/x", headers=[("accept", "a"), ("accept", "b")]).headers == {"accept": "a, b"}


def test_what_does_not_pass_is_not_shown_either() -> None:
    found = described("/ledger/x", headers=[("x-forwarded-user", "ceo"), ("cookie", "a=b"), ("range", "bytes=0-1")])
    assert found.headers == {}


def test_text_is_read_and_not_addressable() -> None:
    found = described(
        "/ledger/x", method="POST", body=b"hello planted-secret", headers=[("content-type", "text/plain")]
    )
    assert found.action.to_input() == {"kind": "http.request", "media": "text/plain", "inspected": True}
    assert [finding.rule for finding in found.findings] == ["blot"]


def test_what_cannot_be_read_passes_only_where_it_is_declared() -> None:
    picture = {"method": "POST", "body": b"\x89PNG", "headers": [("content-type", "image/png")]}
    assert described("/files/x", **picture).action.to_input()["inspected"] is False
    with pytest.raises(Uninspectable):
        described("/ledger/x", **picture)
    with pytest.raises(BodyUnsupported):
        described("/anthropic/v1/messages", **picture)


def test_a_body_without_a_type_is_not_guessed() -> None:
    with pytest.raises(Uninspectable):
        described("/files/x", method="POST", body=b"x", headers=[("content-type", "")])


@pytest.mark.parametrize(
    ("path", "fields", "error"),
    [
        ("/ledger/x?access_token=1", {}, CredentialsMisplaced),
        ("/ledger/x", {"headers": [("x-exeat-justification", "x" * 501)]}, HeaderRefused),
        ("/ledger/x", {"headers": [("accept", b"\xff")]}, HeaderRefused),
        ("/anthropic/v1/messages", {"method": "POST", "body": b'{"model":"a","model":"b"}'}, BodyMalformed),
    ],
)
def test_what_has_no_one_reading(path: str, fields: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        described(path, **fields)


@pytest.mark.parametrize("path", ["/ledger/bad-word", "/ledger/x?q=bad-word"])
def test_a_blocked_word_ends_it(path: str) -> None:
    with pytest.raises(Blocked):
        described(path, Blot(blocked="bad-word"))
