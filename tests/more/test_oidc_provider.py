"""An OpenID provider that is not ours (npm `oidc-provider`, certified): its tokens, its keys, its sign-in."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from console.cli.oidc import OidcClient, Prompt, SignInFailed
from console.web.app import app
from identity import Client, Provider, SignInRefused, Verifier, code_flow, people_issuer
from identity.errors import TokenAudience, TokenExpired, TokenIssuer, TokenMalformed, TokenRefused, TokenSignature
from identity.keys import REFRESH_US, UNKNOWN_US
from runtime.clock import FixedClock, SystemClock
from runtime.settings import Issuer, People, parse
from tests.kit.authz import house
from tests.kit.checks import message
from tests.kit.node import NpmIssuer, npm_issuer
from tests.kit.serving import free_port, http
from tests.kit.tokens import segment

pytestmark = pytest.mark.more


@pytest.fixture(scope="module")
def provider() -> Iterator[NpmIssuer]:
    with npm_issuer() as running:
        yield running


@pytest.fixture
def clock() -> FixedClock:
    """The provider's own time, moved by hand."""
    return FixedClock(SystemClock().now_us())


@pytest.fixture
async def verifier(provider: NpmIssuer, clock: FixedClock) -> AsyncIterator[Verifier]:
    async with Verifier([accepted(provider)], clock) as verifier:
        yield verifier


def accepted(provider: NpmIssuer, **fields: Any) -> Issuer:
    given = {"issuer": provider.url, "algorithms": list(provider.ALGORITHMS), "skew_seconds": 5, "allow_http": True}
    return Issuer.model_validate({**given, **fields})


@pytest.mark.parametrize("algorithm", NpmIssuer.ALGORITHMS)
async def test_a_good_token(provider: NpmIssuer, verifier: Verifier, algorithm: str) -> None:
    identity = await verifier.verify(provider.token(algorithm))
    name = f"research-agent-{algorithm}"
    assert (identity.issuer, identity.subject, identity.agent) == (provider.url, name, name)
    assert (identity.groups, identity.owner) == (("research",), "alice@bank.example")
    assert identity.jti


async def test_only_algorithms_of_the_settings(provider: NpmIssuer, clock: FixedClock) -> None:
    async with Verifier([accepted(provider, algorithms=["ES256"])], clock) as verifier:
        await verifier.verify(provider.token("ES256"))
        with pytest.raises(TokenRefused, match="algorithm"):
            await verifier.verify(provider.token("RS256"))


async def test_a_token_for_another_audience(provider: NpmIssuer, verifier: Verifier) -> None:
    for resource in ("urn:elsewhere", "urn:exeat:people"):
        with pytest.raises(TokenAudience):
            await verifier.verify(provider.token(resource=resource))


async def test_an_opaque_token_is_named_as_such(provider: NpmIssuer, verifier: Verifier) -> None:
    with pytest.raises(TokenMalformed, match="opaque"):
        await verifier.verify(provider.token(resource=""))


async def test_an_expired_token(provider: NpmIssuer, verifier: Verifier, clock: FixedClock) -> None:
    token = provider.token()
    await verifier.verify(token)
    clock.advance(400_000_000)
    with pytest.raises(TokenExpired):
        await verifier.verify(token)
    with pytest.raises(TokenExpired):  # nor one that was never seen before
        await verifier.verify(provider.token())


@pytest.mark.parametrize("algorithm", NpmIssuer.ALGORITHMS)
async def test_tampered_tokens(provider: NpmIssuer, verifier: Verifier, algorithm: str) -> None:
    head, body, signature = provider.token(algorithm).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = provider.token(algorithm).split(".")[2]
    for forged in (
        f"{head}.{segment({**claims, 'groups': ['ledger-approvers']})}.{signature}",
        f"{head}.{body}.{other}",
        f"{head}.{body}.{signature[:-8]}AAAAAAAA",
        f"{segment({'alg': 'none', 'typ': 'at+jwt'})}.{body}.",
    ):
        with pytest.raises(TokenRefused):
            await verifier.verify(forged)
    with pytest.raises(TokenIssuer):
        await verifier.verify(f"{head}.{segment({**claims, 'iss': provider.url + '/'})}.{signature}")


async def test_a_new_key_is_fetched_and_the_old_one_lives_while_it_is_published(clock: FixedClock) -> None:
    with npm_issuer() as provider:
        async with Verifier([accepted(provider)], clock) as verifier:
            before = provider.token()
            await verifier.verify(before)
            provider.rotate(keep=True)
            clock.advance(UNKNOWN_US)
            after = provider.token()
            assert kid(after) != kid(before)
            assert (await verifier.verify(after)).subject == "research-agent-ES256"
            await verifier.verify(before)


async def test_a_withdrawn_key_ends_its_tokens(clock: FixedClock) -> None:
    with npm_issuer(ttl_s=3600) as provider:
        async with Verifier([accepted(provider)], clock) as verifier:
            before = provider.token()
            await verifier.verify(before)
            provider.rotate(keep=False)
            clock.advance(REFRESH_US + 1)
            await verifier.verify(provider.token())  # an unknown kid: waits for the new set
            with pytest.raises(TokenSignature):
                await verifier.verify(before)


def kid(token: str) -> str:
    name: str = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
    return name


def test_authz_accepts_it_beside_its_other_issuer(provider: NpmIssuer) -> None:
    """The process itself: settings, discovery, decision, record."""
    extra = ["[[issuers]]", f'issuer = "{provider.url}"', 'algorithms = ["ES256"]', "allow_http = true"]
    with house(extra) as (authz, _):
        answer = authz.ask("/openai/v1/chat/completions", method="POST", token=provider.token(), body=chat())
        assert answer.status == 0, answer.body
        event = authz.event(answer.metadata["exchange"])
        assert (event["caller"]["issuer"], event["caller"]["subject"]) == (provider.url, "research-agent-ES256")
        for token in (provider.token(resource="urn:elsewhere"), provider.token("RS256"), provider.token(resource="")):
            assert authz.ask("/openai/v1/chat/completions", method="POST", token=token, body=chat()).status == 401


def chat() -> dict[str, Any]:
    return message("gpt-5")


# how programs of ours get tokens from it


def test_exeat_token_by_client_credentials(provider: NpmIssuer) -> None:
    """The secret holds what RFC 6749 §2.3.1 wants form-encoded in the Basic header."""
    with OidcClient.at(provider.url) as client:
        token = client.client_credentials("research-agent-ES256", provider.SECRET, "", "")
        assert token.isprintable()
        with pytest.raises(SignInFailed, match="invalid_client"):
            client.client_credentials("research-agent-ES256", "wrong", "", "")


async def test_exeat_token_by_device_flow(provider: NpmIssuer, clock: FixedClock) -> None:
    """A person signs in on the provider's own pages; the token is one that approvals accept."""
    browsers: list[Thread] = []

    def tell(prompt: Prompt) -> None:
        browsers.append(Thread(target=sign_in, args=(prompt.complete, "alice")))
        browsers[0].start()

    with OidcClient.at(provider.url) as client:
        token = client.device("exeat-cli", "exeat-people", "openid profile email", tell)
    browsers[0].join(20)
    issuer = people_issuer(People(issuer=provider.url, allow_http=True))
    assert issuer is not None
    async with Verifier([issuer], clock) as verifier:
        person = await verifier.verify(token)
    assert (person.subject, person.email) == ("alice", "alice@bank.example")
    assert person.groups == ("ledger-approvers",)
    assert person.auth_time is not None
    assert abs(person.auth_time - clock.now_us() // 1_000_000) < 60


def sign_in(url: str, name: str) -> None:
    with httpx.Client(follow_redirects=True, timeout=10) as browser:
        clicked = click_through(browser, browser.get(url), name)
        assert clicked.status_code == 200, clicked.text


def click_through(browser: httpx.Client, page: httpx.Response, name: str) -> httpx.Response:
    """What a browser does: fills in and sends each form of the provider's until there is none."""
    host = page.url.host, page.url.port
    for _ in range(6):
        form = Form()
        form.feed(page.text)
        if not form.action or (page.url.host, page.url.port) != host:
            break
        form.fields |= {field: name for field in ("login", "password") if field in form.fields}
        page = browser.post(page.url.join(form.action), data=form.fields)
    return page


@pytest.fixture
def console(provider: NpmIssuer, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    (tmp_path / "state" / "spool").mkdir(mode=0o700, parents=True)
    told = {
        "gateway": {"run_dir": str(tmp_path / "run"), "state_dir": str(tmp_path / "state")},
        "people": {"issuer": provider.url, "allow_http": True},
        "console": {"listen": f"127.0.0.1:{port}"},
    }
    with http(app(parse(told, "test")), port):
        yield f"http://127.0.0.1:{port}"


def test_the_console_by_code_with_pkce(console: str) -> None:
    html = {"accept": "text/html"}
    with httpx.Client(base_url=console, follow_redirects=True, timeout=10, headers=html) as browser:
        page = click_through(browser, browser.get("/"), "alice")
        assert (page.status_code, page.url.path) == (200, "/"), page.text
        assert "alice@bank.example · agent · approver" in page.text
        again = browser.get("/sign-in", params={"again": "1", "to": "/?again=yes"})
        assert again.url.host == "127.0.0.1"
        assert "login" in again.text, "the provider asks again, although it knows the browser"
        page = click_through(browser, again, "alice")
        assert (page.status_code, str(page.url)) == (200, f"{console}/?again=yes"), page.text


async def test_a_console_token_is_renewed(provider: NpmIssuer, clock: FixedClock) -> None:
    issuer = people_issuer(People(issuer=provider.url, allow_http=True))
    assert issuer is not None
    redirect = "http://127.0.0.1:1/sign-in/back"
    async with Provider(issuer, Client("exeat-console"), clock, foreign=["exeat"]) as people:
        started = code_flow.start("/", clock.now_us() // 1_000_000)
        back = await asyncio.to_thread(until_back, await people.address(started, redirect))
        signed_in = await people.redeem(started, back, redirect)
        assert signed_in.identity.subject == "alice"
        assert signed_in.identity.auth_time is not None
        renewed = await people.renew(signed_in.refresh, signed_in.identity)
        assert renewed.token != signed_in.token
        assert renewed.identity.auth_time == signed_in.identity.auth_time
        with pytest.raises(SignInRefused, match="gives no token"):
            await people.redeem(started, back, redirect)


def until_back(address: str) -> list[tuple[str, str]]:
    """Signs alice in; the query with which the provider sends the browser to us, where nobody listens."""
    with httpx.Client(timeout=10, follow_redirects=True) as browser:
        try:
            page = click_through(browser, browser.get(address), "alice")
        except httpx.ConnectError as error:
            return list(error.request.url.params.multi_items())
        pytest.fail(page.text)


class Form(HTMLParser):
    """The first form of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = given.get("action", "")
        elif tag == "input" and given.get("name"):
            self.fields[given["name"]] = given.get("value", "")
