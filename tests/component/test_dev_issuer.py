"""The development issuer over real HTTP, used as a relying party would: discovery first, then what it names."""

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from console.dev.issuer import DEVELOPMENT_GRANT, DEVICE_GRANT, DevIssuer

VERIFIER = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def issuer() -> Iterator[DevIssuer]:
    with DevIssuer.serving() as issuer:
        yield issuer


@pytest.fixture
def http(issuer: DevIssuer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=issuer.url, timeout=5, trust_env=False) as client:
        yield client


def claims(http: httpx.Client, token: str, audience: str) -> dict[str, Any]:
    """Verifies as PyJWT users do, with the keys that discovery names."""
    discovered = http.get("/.well-known/openid-configuration").json()
    keys = {key["kid"]: jwt.PyJWK(key) for key in http.get(discovered["jwks_uri"]).json()["keys"]}
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, ["RS256", "ES256"], audience=audience, issuer=discovered["issuer"])


def test_agent_with_its_secret_gets_an_agents_token(issuer: DevIssuer, http: httpx.Client) -> None:
    form = {"grant_type": "client_credentials"}
    answer = http.post("/token", data=form, auth=("ledger-agent", issuer.secrets["ledger-agent"]))
    token = claims(http, answer.json()["access_token"], "exeat")
    assert (token["sub"], token["azp"], token["groups"]) == ("ledger-agent", "ledger-agent", ["finance"])
    assert token["owner"] == "dave@bank.example"
    assert answer.headers["cache-control"] == "no-store"


def test_wrong_or_empty_secret_is_refused(http: httpx.Client) -> None:
    for secret in ("", "guess"):
        form = {"grant_type": "client_credentials", "client_id": "ledger-agent", "client_secret": secret}
        answer = http.post("/token", data=form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_named_person_gets_a_persons_token_with_a_sign_in_time(issuer: DevIssuer, http: httpx.Client) -> None:
    form = {"grant_type": DEVELOPMENT_GRANT, "username": "alice", "auth_age_s": "1200"}
    token = claims(http, http.post("/token", data=form).json()["access_token"], "exeat-people")
    assert (token["email"], token["groups"]) == ("alice@bank.example", ["ledger-approvers"])
    assert 1195 <= issuer.now() - token["auth_time"] <= 1205


def test_nobody_of_that_name(http: httpx.Client) -> None:
    answer = http.post("/token", data={"grant_type": DEVELOPMENT_GRANT, "username": "mallory"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_device_flow(http: httpx.Client) -> None:
    started = http.post("/device_authorization", data={"client_id": "exeat-cli"}).json()
    poll = {"grant_type": DEVICE_GRANT, "client_id": "exeat-cli", "device_code": started["device_code"]}
    assert http.post("/token", data=poll).json()["error"] == "authorization_pending"
    assert "Sign in as Bob" in http.get(started["verification_uri_complete"]).text
    clicked = http.post("/device", data={"user_code": started["user_code"].lower(), "username": "bob"})
    assert clicked.status_code == 200
    answer = http.post("/token", data=poll).json()
    assert claims(http, answer["access_token"], "exeat-people")["sub"] == "bob"
    assert claims(http, answer["id_token"], "exeat-cli")["sub"] == "bob"
    assert http.post("/token", data=poll).json()["error"] == "invalid_grant", "a device code is good once"


def test_device_flow_refused(http: httpx.Client) -> None:
    started = http.post("/device_authorization", data={"client_id": "exeat-cli"}).json()
    http.post("/device", data={"user_code": started["user_code"], "username": ""})
    poll = {"grant_type": DEVICE_GRANT, "client_id": "exeat-cli", "device_code": started["device_code"]}
    assert http.post("/token", data=poll).json()["error"] == "access_denied"


def authorization(http: httpx.Client, **changed: str) -> httpx.Response:
    form = {"client_id": "exeat-console", "redirect_uri": "http://127.0.0.1:1/back", "response_type": "code"}
    form |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "state": "s", "nonce": "n"}
    return http.post("/authorize", data={**form, "username": "carol", **changed})


def test_code_with_pkce(http: httpx.Client) -> None:
    back = parse_qs(urlsplit(authorization(http).headers["location"]).query)
    form = {"grant_type": "authorization_code", "client_id": "exeat-console", "code": back["code"][0]}
    form |= {"redirect_uri": "http://127.0.0.1:1/back", "code_verifier": VERIFIER}
    answer = http.post("/token", data=form).json()
    assert back["state"] == ["s"]
    assert claims(http, answer["id_token"], "exeat-console")["nonce"] == "n"
    assert http.post("/token", data=form).json()["error"] == "invalid_grant", "a code is good once"


def test_code_without_its_verifier_is_refused(http: httpx.Client) -> None:
    code = parse_qs(urlsplit(authorization(http).headers["location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "client_id": "exeat-console", "code": code}
    form |= {"redirect_uri": "http://127.0.0.1:1/back", "code_verifier": "another"}
    assert http.post("/token", data=form).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("redirect", ["https://evil.example/", "http://127.0.0.1:1@evil.example/", "//evil.example"])
def test_redirects_stay_on_loopback(http: httpx.Client, redirect: str) -> None:
    assert authorization(http, redirect_uri=redirect).status_code == 400


def test_rotation_keeps_or_forgets_the_old_key(issuer: DevIssuer, http: httpx.Client) -> None:
    old = issuer.agent_token("intern-agent")
    http.post("/dev/rotate", json={"algorithm": "ES256"}).raise_for_status()
    assert claims(http, old, "exeat")["sub"] == "intern-agent"
    assert jwt.get_unverified_header(issuer.agent_token("intern-agent"))["alg"] == "ES256"
    http.post("/dev/rotate", json={"keep": False}).raise_for_status()
    with pytest.raises(KeyError):
        claims(http, old, "exeat")


def test_failure_modes(issuer: DevIssuer, http: httpx.Client) -> None:
    http.post("/dev/mode", json={"endpoint": "jwks", "mode": "failing"})
    assert http.get("/jwks").status_code == 500
    issuer.set_mode("jwks", "garbage")
    with pytest.raises(ValueError, match=r"Expecting|codec"):
        http.get("/jwks").json()
    issuer.set_mode("jwks", "hang")
    with pytest.raises(httpx.ReadTimeout):
        http.get("/jwks", timeout=0.2)
    issuer.set_mode("jwks", "ok")
    assert http.get("/jwks").status_code == 200
    assert issuer.hits["jwks"] == 4


def test_another_host_name_is_not_answered(http: httpx.Client) -> None:
    assert http.get("/jwks", headers={"host": "evil.example"}).status_code == 400


def test_as_a_process_it_keeps_its_keys(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        command = [sys.executable, "-m", "console.dev.issuer", "--port", "0", "--state", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            try:
                seen.append(httpx.get(f"{url}/jwks", timeout=5, trust_env=False).json())
            finally:
                process.terminate()
    assert seen[0] == seen[1]
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
