"""What the development issuer's tokens carry."""

from pathlib import Path
from typing import Any

import jwt
import pytest

from console.dev.keyring import KeyRing
from console.dev.mint import Mint
from runtime.clock import FixedClock

NOW = 1_700_000_000


@pytest.fixture
def mint() -> Mint:
    made = Mint(KeyRing(algorithm="ES256"), FixedClock(NOW * 1_000_000))
    made.url = "http://127.0.0.1:1"
    return made


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_an_agents_token(mint: Mint) -> None:
    found = claims(mint.agent_token("research-agent", lifetime_s=60))
    jti = found.pop("jti")
    assert found == {
        "iss": "http://127.0.0.1:1",
        "sub": "research-agent",
        "aud": "exeat",
        "azp": "research-agent",
        "client_id": "research-agent",
        "groups": ["research"],
        "owner": "alice@bank.example",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 60,
    }
    assert jti != claims(mint.agent_token("research-agent"))["jti"]
    assert "owner" not in claims(mint.agent_token("intern-agent"))
    assert jwt.get_unverified_header(mint.agent_token("intern-agent"))["typ"] == "at+jwt"


def test_a_persons_token(mint: Mint) -> None:
    found = claims(mint.person_token("bob", auth_age_s=30))
    assert (found["sub"], found["aud"], found["email"]) == ("bob", "exeat-people", "bob@bank.example")
    assert (found["auth_time"], found["groups"]) == (NOW - 30, ["ledger-approvers"])


def test_claims_may_be_added_replaced_and_removed(mint: Mint) -> None:
    found = claims(mint.person_token("bob", groups=[], email=None, amr=["hwk"], audience=["a", "b"]))
    assert (found["groups"], found["amr"], found["aud"]) == ([], ["hwk"], ["a", "b"])
    assert "email" not in found


def test_newcomers(mint: Mint) -> None:
    mint.add_person("erin", groups=["auditors"])
    mint.add_agent("bulk-agent", ["bulk"], owner="erin@bank.example")
    assert claims(mint.person_token("erin"))["email"] == "erin@bank.example"
    assert claims(mint.agent_token("bulk-agent"))["owner"] == "erin@bank.example"
    assert mint.secrets["bulk-agent"]


def test_an_id_token_is_no_access_token(mint: Mint) -> None:
    token = mint.id_token("alice", "exeat-console", "n")
    assert (claims(token)["aud"], claims(token)["nonce"]) == ("exeat-console", "n")
    assert jwt.get_unverified_header(token)["typ"] == "JWT"


def test_client_secrets_outlive_the_process(tmp_path: Path) -> None:
    first = Mint(KeyRing(tmp_path, "ES256"), FixedClock(), tmp_path)
    again = Mint(KeyRing(tmp_path, "ES256"), FixedClock(), tmp_path)
    assert first.secrets == again.secrets
    assert len(set(first.secrets.values())) == 3
    assert (tmp_path / "client-secrets.json").stat().st_mode & 0o777 == 0o600
