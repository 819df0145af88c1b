"""The console's sign-in over real HTTP with the development issuer: who gets in, and what a browser keeps."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from console.dev.issuer import DevIssuer
from console.web.app import app
from runtime.clock import SystemClock
from runtime.settings import Settings, parse
from tests.kit.browser import Browser, csrf
from tests.kit.serving import free_port, http


class Shifted(SystemClock):
    """The system's clock, ahead by what a test says."""

    ahead_us = 0

    def now_us(self) -> int:
        return super().now_us() + self.ahead_us

    def monotonic_us(self) -> int:
        return super().monotonic_us() + self.ahead_us


def settings(folder: Path, port: int, issuer: str | None, **console: Any) -> Settings:
    gateway = {"run_dir": str(folder / "run"), "state_dir": str(folder / "state")}
    people = {"issuer": issuer, "allow_http": True} if issuer else {}
    agents = [{"issuer": issuer, "allow_http": True}] if issuer else []
    listen = {"listen": f"127.0.0.1:{port}", **console}
    return parse({"gateway": gateway, "people": people, "issuers": agents, "console": listen}, "test")


@pytest.fixture
def issuer() -> Iterator[DevIssuer]:
    with DevIssuer.serving(algorithm="ES256") as issuer:
        yield issuer


@pytest.fixture
def clock() -> Shifted:
    return Shifted()


@pytest.fixture
def console(issuer: DevIssuer, clock: Shifted, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    (tmp_path / "state" / "spool").mkdir(mode=0o700, parents=True)
    with http(app(settings(tmp_path, port, issuer.url), clock), port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def browser(console: str) -> Iterator[Browser]:
    with Browser(console) as browser:
        yield browser


def test_a_person_signs_in_and_out(browser: Browser) -> None:
    page = browser.sign_in("alice")
    assert page.status_code == 200
    assert "alice@bank.example" in page.text
    assert "approver" in page.text
    out = browser.post("/sign-out", data={"csrf": csrf(page)}, follow_redirects=True)
    assert "signed out" in out.text
    assert browser.get("/").status_code == 303, "the old cookie opens nothing"


def recorded(folder: Path) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(folder / "state" / "spool" / "reads.db")) as conn:
        bodies = [json.loads(row[0]) for row in conn.execute("SELECT body FROM events ORDER BY seq")]
    return [body for body in bodies if body["kind"] == "person"]


def test_who_signs_in_and_out_is_recorded(browser: Browser, issuer: DevIssuer, tmp_path: Path) -> None:
    page = browser.sign_in("alice")
    browser.get("/sign-in", params={"to": "//evil.example"})
    browser.post("/sign-out", data={"csrf": csrf(page)})
    came, left = recorded(tmp_path)
    assert (came["type"], left["type"]) == ("person.signed_in", "person.signed_out")
    for event in (came, left):
        assert (event["caller"]["issuer"], event["caller"]["subject"]) == (issuer.url, "alice")
    told = came["data"]
    assert (told["email"], told["groups"], told["through"]) == ("alice@bank.example", ["ledger-approvers"], "console")
    assert "approver" in told["roles"]
    assert told["amr"] == ["pwd"]
    assert not told["again"]
    assert told["started_us"] / 1e6 - told["auth_time"] < 3600


@pytest.mark.parametrize("there", ["no spool", "no file"])
def test_nobody_signs_in_unrecorded(browser: Browser, tmp_path: Path, there: str) -> None:
    spool = tmp_path / "state" / "spool"
    if there == "no spool":
        spool.rmdir()
    else:
        (spool / "reads.db").mkdir()
    assert browser.sign_in("alice").status_code == 503
    assert browser.get("/").status_code == 303


@pytest.mark.parametrize(
    ("name", "role"), [("alice", "approver"), ("carol", "auditor"), ("erin", "admin"), ("dave", "agent")]
)
def test_roles_come_from_groups(browser: Browser, name: str, role: str) -> None:
    who = browser.sign_in(name).text.split("<form")[1].split("<button")[0]
    assert f"· {role}" in who
    assert {"approver", "auditor", "admin"} & set(who.split()) == {role} - {"agent"}


def test_it_leads_back_to_where_the_person_was_going(browser: Browser) -> None:
    assert urlsplit(str(browser.sign_in("alice", "/?from=mail").url)).query == "from=mail"


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "/sign-out", "\\/e", "", "/" + "x" * 2000]
)
def test_and_to_no_other_site(browser: Browser, to: str) -> None:
    page = browser.get("/sign-in", params={"to": to}, follow_redirects=True)
    back = browser.get(browser.answer(page, "alice"))
    assert back.headers["location"] == "/"


def test_what_the_issuer_is_asked(browser: Browser, console: str) -> None:
    asked = parse_qs(urlsplit(browser.get("/sign-in").headers["location"]).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{console}/sign-in/back"]
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == 43
    again = parse_qs(urlsplit(browser.get("/sign-in", params={"again": "1"}).headers["location"]).query)
    assert (again["prompt"], again["max_age"]) == (["login"], ["0"])
    assert again["state"] != asked["state"]


def test_cookies_are_not_for_scripts_nor_other_sites(browser: Browser) -> None:
    begun = browser.get("/sign-in")
    back = browser.get(browser.answer(browser.get(begun.headers["location"]), "alice"))
    for answer in (begun, back):
        for cookie in answer.headers.get_list("set-cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie


async def test_over_https_cookies_are_secure_and_of_this_host(issuer: DevIssuer, tmp_path: Path) -> None:
    at = settings(tmp_path, 1, issuer.url, public_url="https://exeat.bank.example")
    served = app(at)
    async with (
        served.router.lifespan_context(served),
        httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="https://exeat.bank.example") as client,
    ):
        begun = await client.get("/sign-in")
        (cookie,) = begun.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-exeat-in-")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        sent = parse_qs(urlsplit(begun.headers["location"]).query)["redirect_uri"]
        assert sent == ["https://exeat.bank.example/sign-in/back"]


def test_a_callback_of_another_browser_opens_nothing(console: str) -> None:
    """Login CSRF: mallory begins, the victim's browser is led to mallory's callback."""
    with Browser(console) as mallory, Browser(console) as victim:
        back = mallory.answer(mallory.go("/"), "erin")
        refused = victim.get(back)
        assert refused.status_code == 400
        assert victim.get("/").status_code == 303


def test_a_callback_is_good_once_and_for_its_own_state(browser: Browser) -> None:
    back = browser.answer(browser.go("/"), "alice")
    assert browser.get(back.replace("state=", "state=x")).status_code == 400
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 400


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"code": "guessed"}, "gives no token"),
        ({"error": "access_denied", "error_description": "<b>no</b>"}, "access_denied: &lt;b&gt;no&lt;/b&gt;"),
        ({"iss": None}, "another issuer"),
        ({"code": None}, "without a code"),
    ],
)
def test_callbacks_that_are_not_the_issuers_answer(browser: Browser, change: dict[str, Any], says: str) -> None:
    url = httpx.URL(browser.answer(browser.go("/"), "alice"))
    fields = {name: value for name, value in {**dict(url.params), **change}.items() if value is not None}
    refused = browser.get(url.copy_with(params=fields))
    assert refused.status_code == 400
    assert says in refused.text
    assert browser.get("/").status_code == 303


def test_a_sign_in_takes_ten_minutes_at_most(browser: Browser, clock: Shifted) -> None:
    back = browser.answer(browser.go("/"), "alice")
    clock.ahead_us = 601_000_000
    assert "too long" in browser.get(back).text


def test_to_sign_in_again_the_issuer_must_have_asked_again(browser: Browser, issuer: DevIssuer) -> None:
    browser.sign_in("alice")
    page = browser.get("/sign-in", params={"again": "1"}, follow_redirects=True)
    back = browser.answer(page, "alice")
    for code in list(issuer.sign_ins._codes):  # an issuer that heeds neither prompt nor max_age
        old = issuer.sign_ins._codes[code]
        issuer.sign_ins._codes[code] = replace(old, signed_in=old.signed_in - 3600)
    refused = browser.get(back)
    assert refused.status_code == 400
    assert "auth_time" in refused.text


def test_a_new_sign_in_is_a_new_session(browser: Browser) -> None:
    browser.sign_in("alice")
    first = browser.cookies["exeat"]
    browser.sign_in("alice", "/sign-in?again=1")
    assert browser.cookies["exeat"] != first
    with Browser(str(browser.base_url)) as thief:
        thief.cookies.set("exeat", first)
        assert thief.get("/").status_code == 303


def test_sessions_end_when_idle(browser: Browser, clock: Shifted) -> None:
    browser.sign_in("alice")
    clock.ahead_us += 29 * 60_000_000
    assert browser.get("/").status_code == 200
    clock.ahead_us += 29 * 60_000_000
    assert browser.get("/").status_code == 200
    clock.ahead_us += 31 * 60_000_000
    assert browser.get("/").status_code == 303


def test_a_token_that_ends_is_renewed_as_long_as_the_issuer_agrees(browser: Browser, issuer: DevIssuer) -> None:
    issuer.people_lifetime_s = 20
    browser.sign_in("alice")
    before = issuer.hits["token"]
    assert browser.get("/").status_code == 200
    assert issuer.hits["token"] == before + 1
    issuer.set_mode("token", "failing")
    assert browser.get("/").status_code == 200, "its token still counts"
    issuer.set_mode("token", "ok")
    issuer.sign_ins.forget_refreshes()
    assert browser.get("/").status_code == 200
    issuer.people_lifetime_s = -10
    browser.sign_in("alice", "/sign-in")
    assert browser.get("/").status_code == 303, "over, whatever the clock skew that verification allows"


@pytest.mark.parametrize("path", ["/", "/approvals", "/health/../", "/sign-in/", "/style.css/x", "/nowhere"])
def test_strangers_get_no_page(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code in (303, 307), answer.text
    assert "sign-in" in answer.headers["location"]


def test_programs_are_told_401_and_may_bring_a_token(browser: Browser, issuer: DevIssuer) -> None:
    refused = browser.get("/", headers={"accept": "application/json"})
    assert refused.status_code == 401
    assert refused.json()["error"] == "sign_in_needed"
    good = {"authorization": f"Bearer {issuer.person_token('carol')}"}
    assert "carol@bank.example" in browser.get("/", headers=good).text


@pytest.mark.parametrize("kind", ["agent", "both", "expired", "id", "none"])
def test_tokens_of_other_doors_open_nothing(browser: Browser, issuer: DevIssuer, kind: str) -> None:
    token = {
        "agent": lambda: issuer.agent_token("research-agent"),
        "both": lambda: issuer.person_token("erin", audience=["exeat", "exeat-people"]),
        "expired": lambda: issuer.person_token("erin", lifetime_s=-60),
        "id": lambda: issuer.id_token("erin", "exeat-console"),
        "none": lambda: jwt.encode({"sub": "erin"}, None, algorithm="none"),
    }[kind]()
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    assert browser.get("/", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({}, False),
        ({"content-type": "text/plain"}, True),
        ({"origin": "http://127.0.0.1"}, True),
    ],
)
def test_another_sites_form_changes_nothing(browser: Browser, headers: dict[str, str], field: bool) -> None:
    token = csrf(browser.sign_in("alice"))
    body = f"csrf={token}" if field else "csrf=guess"
    sent = {"content-type": "application/x-www-form-urlencoded", **headers}
    assert browser.post("/sign-out", content=body, headers=sent).status_code == 403
    assert browser.get("/").status_code == 200, "still signed in"


def test_a_script_of_ours_sends_the_token_as_a_header(browser: Browser) -> None:
    token = csrf(browser.sign_in("alice"))
    assert browser.post("/sign-out", headers={"x-exeat-csrf": token}, content=b"{}").status_code == 303


def test_a_form_that_is_too_large(browser: Browser) -> None:
    token = csrf(browser.sign_in("alice"))
    assert browser.post("/sign-out", data={"csrf": token, "more": "x" * (1 << 20)}).status_code == 413


def test_another_name_for_this_address_is_not_ours(browser: Browser, console: str) -> None:
    moved = browser.get("/style.css", headers={"host": "evil.example"})
    assert (moved.status_code, moved.headers["location"]) == (307, f"{console}/style.css")
    assert browser.post("/sign-out", headers={"host": "evil.example"}).status_code == 421


def test_without_an_issuer_it_says_so(tmp_path: Path) -> None:
    port = free_port()
    with http(app(settings(tmp_path, port, None)), port), Browser(f"http://127.0.0.1:{port}") as browser:
        for path in ("/", "/sign-in"):
            answer = browser.get(path)
            assert answer.status_code == 503
            assert "people.issuer" in answer.text
        assert browser.get("/health").status_code == 200


@pytest.mark.parametrize("mode", ["failing", "garbage"])
def test_an_issuer_in_trouble(browser: Browser, issuer: DevIssuer, mode: str) -> None:
    issuer.set_mode("discovery", mode)
    answer = browser.get("/sign-in")
    assert answer.status_code == 503
    assert "cannot be asked" in answer.text
    issuer.set_mode("discovery", "ok")
    back = browser.answer(browser.go("/"), "alice")
    issuer.set_mode("token", mode)
    assert browser.get(back).status_code == 503
    issuer.set_mode("token", "ok")
    assert browser.sign_in("alice").status_code == 200
