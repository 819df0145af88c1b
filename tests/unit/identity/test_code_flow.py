"""What a sign-in sends away and what must come back."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from identity import SignInRefused, code_flow
from identity.code_flow import MAX_SECONDS, SKEW_SECONDS, Started

ISSUER = "https://people.bank.example"
NOW = 1_700_000_000


def started(**changed: Any) -> Started:
    fields = {"state": "s", "nonce": "n", "verifier": "v" * 43, "to": "/", "at": NOW, "again": False}
    return Started(**{**fields, **changed})


def code(*given: tuple[str, str], names_issuer: bool = False, now: int = NOW) -> str:
    return code_flow.code(started(), given, issuer=ISSUER, names_issuer=names_issuer, now=now)


def test_the_challenge_is_that_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_flow.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_every_sign_in_is_another() -> None:
    one, two = code_flow.start("/a", NOW), code_flow.start("/a", NOW)
    assert {one.state, one.nonce, one.verifier}.isdisjoint({two.state, two.nonce, two.verifier})
    assert all(len(part) >= 43 for part in (one.state, one.nonce, one.verifier))


@pytest.mark.parametrize("again", [False, True])
def test_the_question(again: bool) -> None:
    asked = dict(
        parse_qsl(
            code_flow.question(
                started(again=again), client="c", redirect="https://x/back", scope="openid", audience="a", max_age=60
            )
        )
    )
    assert asked.pop("prompt", None) == ("login" if again else None)
    assert asked == {
        "response_type": "code", "client_id": "c", "redirect_uri": "https://x/back", "scope": "openid", "state": "s",
        "nonce": "n", "audience": "a", "code_challenge": code_flow.challenge("v" * 43),
        "code_challenge_method": "S256", "max_age": "0" if again else "60",
    }  # fmt: skip


def test_a_good_answer() -> None:
    assert code(("state", "s"), ("code", "c")) == "c"
    assert code(("state", "s"), ("code", "c"), ("iss", ISSUER), names_issuer=True) == "c"
    assert code(("state", "s"), ("code", "c"), now=NOW + MAX_SECONDS - 1) == "c"


@pytest.mark.parametrize(
    ("given", "names_issuer", "says"),
    [
        ([("code", "c")], False, "not the one"),
        ([("state", "S"), ("code", "c")], False, "not the one"),
        ([("state", "s"), ("state", "s"), ("code", "c")], False, "twice"),
        ([("state", "s"), ("code", "c"), ("code", "d")], False, "twice"),
        ([("state", "s"), ("code", "c"), ("iss", ISSUER + "/")], False, "another issuer"),
        ([("state", "s"), ("code", "c")], True, "another issuer"),
        ([("state", "s"), ("code", "")], False, "without a code"),
        ([("state", "s"), ("error", "login_required"), ("code", "c")], False, "login_required"),
    ],
)
def test_bad_answers(given: list[tuple[str, str]], names_issuer: bool, says: str) -> None:
    with pytest.raises(SignInRefused, match=says):
        code(*given, names_issuer=names_issuer)


def test_too_late() -> None:
    with pytest.raises(SignInRefused, match="too long"):
        code(("state", "s"), ("code", "c"), now=NOW + MAX_SECONDS)


@pytest.mark.parametrize(
    ("claims", "again", "says"),
    [
        ({"nonce": "other"}, False, "nonce"),
        ({"nonce": None}, False, "nonce"),
        ({"nonce": 1}, False, "nonce"),
        ({"azp": "other"}, False, "azp"),
        ({"aud": ["client", "other"]}, False, "azp"),
        ({}, True, "auth_time"),
        ({"auth_time": NOW - SKEW_SECONDS - 1}, True, "auth_time"),
        ({"auth_time": "1700000000"}, True, "auth_time"),
        ({"auth_time": True}, True, "auth_time"),
    ],
)
def test_id_tokens_of_another_sign_in(claims: dict[str, Any], again: bool, says: str) -> None:
    with pytest.raises(SignInRefused, match=says):
        code_flow.check_id_token({"nonce": "n", "aud": "client", **claims}, started(again=again), "client")


def test_id_tokens_of_this_one() -> None:
    code_flow.check_id_token({"nonce": "n", "aud": "client"}, started(), "client")
    code_flow.check_id_token({"nonce": "n", "aud": ["client", "x"], "azp": "client"}, started(), "client")
    code_flow.check_id_token(
        {"nonce": "n", "aud": "client", "auth_time": NOW - SKEW_SECONDS}, started(again=True), "client"
    )


def test_an_issuers_words_cannot_move_a_terminal() -> None:
    assert code_flow.said({"error": "x\x1b[2J", "error_description": "y" * 500}).startswith("x[2J: yyy")
    assert len(code_flow.said({"error": "x" * 500})) == 200
    assert code_flow.said({}) == "its answer is not understood"
