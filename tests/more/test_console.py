"""The console in a real Chromium: the main acts, as a person does them, and every page in light, dark and on a phone.

Screenshots are in build/screenshots/ afterwards.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import anthropic
import httpx
import pytest

from tests.e2e.test_holds import transfer
from tests.e2e.test_tool_holds import messages_stream
from tests.e2e.test_waiting import transfer as sdk_transfer
from tests.kit import gateway as kit
from tests.kit.approver import Approver, clear
from tests.kit.chromium import Page, chromium
from tests.kit.gateway import Gateway, eventually

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with kit.running() as running:
        yield running


@pytest.fixture(scope="module")
def page(gateway: Gateway) -> Iterator[Page]:
    with chromium(f"http://127.0.0.1:{gateway.house.ports['console']}") as page:
        yield page


@pytest.fixture(autouse=True)
def nothing_failed_in_the_browser(page: Page) -> Iterator[None]:
    """No error of our script, nothing that the content security policy stopped."""
    page.do("complaints")
    yield
    complaints = [text for text in page.do("complaints") if "status of 4" not in text]
    assert complaints == []


@pytest.fixture(autouse=True)
def nothing_waits(gateway: Gateway) -> Iterator[None]:
    """What one test leaves waiting is not another's inbox."""
    clear(gateway)
    yield
    clear(gateway)


@pytest.fixture(scope="module")
def traffic(gateway: Gateway) -> str:
    """Some exchanges of two agents; the session of a masked stream."""
    client = anthropic.Anthropic(
        base_url=f"{gateway.url}/anthropic",
        api_key=gateway.issuer.agent_token("research-agent"),
        default_headers={"x-exeat-session": "console"},
        max_retries=0,
    )
    for play in ("split", "customer", "long"):
        messages: Any = [{"role": "user", "content": f"play: {play}, for ada.lovell@customer.example"}]
        with client.messages.stream(model="claude-sonnet-5", max_tokens=50, messages=messages) as stream:
            stream.until_done()
            exchange = stream.response.headers["x-exeat-decision"]
    with gateway.client("intern-agent") as intern:
        intern.get("/openai/v1/models")
    gateway.settled()
    return str(gateway.sql("SELECT session FROM audit.decisions WHERE exchange = {e:String}", e=exchange)[0][0])


def held(pool: ThreadPoolExecutor, gateway: Gateway, amount: str) -> "Future[httpx.Response]":
    return pool.submit(transfer, gateway, amount)


def test_a_live_hold_is_granted_by_keyboard_while_an_sdk_waits(gateway: Gateway, page: Page) -> None:
    page.sign_in("alice", "/approvals")
    page.see("Nothing waits for you")
    assert page.look("approvals-empty") == []
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(sdk_transfer, gateway, "71.00")
        page.see("1 waiting")  # by itself: nobody loaded the page again
        assert page.look("approvals-waiting") == []
        page.do("press", key="Tab")
        page.do("click", css="a.card")
        page.see("pays invoice 4711")
        assert page.look("approval") == []
        page.fill("Reason", "checked with the branch")
        assert not waits.done()
        page.do("press", key="Tab")
        page.do("press", key="Enter")  # on Grant, where the focus is
        assert waits.result(30).status_code == 201
    page.see("alice@bank.example: checked with the branch")
    assert page.look("approval-granted") == []


def test_a_reason_is_asked_for_and_a_refusal_reaches_the_agent(gateway: Gateway, page: Page) -> None:
    page.sign_in("alice", "/approvals")
    with ThreadPoolExecutor(1) as pool:
        waits = held(pool, gateway, "72.00")
        page.see("1 waiting")
        page.do("click", css="a.card")
        page.click("button", "Refuse")  # the browser itself holds a form without its reason back
        assert not waits.done()
        page.fill("Reason", "unknown payee")
        page.click("button", "Refuse")
        refused = waits.result(30)
    assert refused.status_code == 403
    assert "unknown payee" in refused.text
    page.see("Refused by")


def test_what_is_new_in_a_second_request_is_shown(gateway: Gateway, page: Page) -> None:
    page.sign_in("alice", "/approvals")
    with ThreadPoolExecutor(1) as pool:
        first, alice = held(pool, gateway, "72.50"), Approver(gateway)
        alice.refuse(*alice.expect(first))
        first.result(30)
        waits = held(pool, gateway, "73.00")
        page.see("1 waiting")
        page.do("click", css="a.card")
        page.see("73.00")
        assert "+" in page.text(".diff")
        assert page.look("approval-difference") == []
        page.fill("Reason", "no")
        page.click("button", "Refuse")
        waits.result(30)


def test_a_stream_is_held_at_a_tool_call_and_refused(gateway: Gateway, page: Page) -> None:
    """The answer flows up to the call; the refusal takes its place, and the SDK ends in order."""
    page.sign_in("bob", "/approvals")  # the agent is alice's own
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(messages_stream, gateway)
        page.see("tool execute_sql")
        page.do("click", css="a.card")
        page.see("DELETE FROM drafts")
        assert page.look("approval-tool") == []
        page.fill("Reason", "drafts are kept")
        assert not waits.done()
        page.click("button", "Refuse")
        text, calls, stop = waits.result(30)
    assert calls == []
    assert stop == "end_turn"
    assert "clean that up" in text
    assert "drafts are kept" in text


def test_what_is_granted_in_advance_is_listed(gateway: Gateway, page: Page) -> None:
    page.sign_in("alice", "/approvals")
    with ThreadPoolExecutor(1) as pool:
        waits = held(pool, gateway, "74.00")
        page.see("1 waiting")
        page.do("click", css="a.card")
        page.fill("Reason", "quarter end")
        page.do("click", text="Grant less, or the like in advance")
        page.fill("Grant the like, uses", "2")
        page.fill("Within minutes", "5")
        assert page.look("approval-in-advance") == []
        page.click("button", "Grant", exact=True)
        assert waits.result(30).status_code == 201
    page.go("/standing")
    page.see("0 of 2")
    assert page.look("standing") == []
    page.fill("Reason", "it is over")
    page.click("button", "End it now")
    page.see("revoked")


def test_a_session_is_found_and_replayed(gateway: Gateway, page: Page, traffic: str) -> None:
    page.sign_in("carol", "/sessions?agent=research-agent")
    assert page.look("sessions") == []
    page.click("link", traffic)
    page.see("The number on file is")
    assert page.look("session") == []
    steps = page.do("count", css=".story > li")
    page.do("choose", label="Speed", value="16")
    page.click("button", "Play")
    eventually(lambda: page.do("count", css=".story > li.later"), lambda hidden: hidden > 0, 5)
    eventually(lambda: page.do("count", css=".story .later"), lambda hidden: hidden == 0, 20)
    page.click("button", "Next masking")
    assert 0 < page.do("count", css=".story > li.later") < steps
    page.click("button", "All of it")
    assert page.do("count", css=".story > li.later") == 0
    assert "536-22-1234" not in page.text("main")


def test_a_decision_leads_to_its_rule(gateway: Gateway, page: Page, traffic: str) -> None:
    page.sign_in("carol", "/decisions?effect=deny")
    assert page.look("decisions") == []
    page.do("click", css="tbody tr a")
    page.see("decides the same again")
    assert page.look("decision") == []
    page.do("click", css="dd.tags a")
    assert "/file/exeat/access.rego#L" in page.do("url")
    assert page.look("rule") == []


def test_live_follows(gateway: Gateway, page: Page, traffic: str) -> None:
    page.sign_in("carol", "/live")
    before = page.do("count", css="tbody tr")
    with gateway.client("intern-agent") as client:
        client.get("/openai/v1/models")
    eventually(lambda: page.do("count", css="tbody tr"), lambda rows: rows > before, 20)
    page.see("deny intern-agent GET /v1/models")
    assert page.look("live") == []


def test_a_draft_is_backtested(gateway: Gateway, page: Page, traffic: str) -> None:
    page.sign_in("carol", "/policies")
    assert page.look("policies") == []
    page.do("click", css=".said a")
    assert page.look("snapshot") == []
    page.click("link", "Backtest")
    page.do("choose", label="Change a file first", value="data/models.yaml")
    page.click("button", "Open it")
    text = page.do("evaluate", code="document.querySelector('textarea[name=text]').value")
    less = text.replace("claude-sonnet-*", "claude-sonnet-4-*")
    assert less != text
    page.do("fill", css="textarea[name=text]", value=less)
    page.click("button", "Decide again")
    page.see("What changes")
    page.see("model_tier")
    assert page.do("count", css="figure svg rect") >= 1
    assert page.look("backtest") == []


def test_tests_and_a_case(gateway: Gateway, page: Page) -> None:
    page.sign_in("alice", "/policies")
    page.do("click", css=".said a")
    page.click("button", "Run its tests")
    page.see("it would be published")
    assert page.look("tests") == []
    page.do("evaluate", code="history.back()")
    page.click("link", "Try a case")
    page.click("button", "Decide")
    page.see("ledger_write")
    assert page.look("try") == []


def test_the_evidence_is_verified_and_reported(gateway: Gateway, page: Page, traffic: str) -> None:
    page.sign_in("carol", "/evidence")
    page.click("button", "Verify now")
    page.see("OK: gateway exeat-dev")
    assert page.look("evidence") == []
    page.click("button", "Make the report")
    page.see("Download the folder")
    assert page.look("report") == []


def test_the_other_pages(gateway: Gateway, page: Page, traffic: str) -> None:
    page.sign_in("carol")
    assert page.look("overview") == []
    for path, click, see in (
        ("/connections", None, "ANTHROPIC_BASE_URL"),
        ("/masking", None, "Found in the last 30 days"),
        ("/sql", "Ask", "decision.allow"),
        ("/nowhere", None, "Nothing here"),
    ):
        page.go(path)
        if click:
            page.click("button", click)
        page.see(see)
        assert page.look(path.strip("/")) == []
    page.go("/masking")
    page.fill("Text, JSON", "card 4111 1111 1111 1111")
    page.click("button", "Mask it")
    page.see("[CARD]")


def test_somebody_is_stopped_and_goes_on(gateway: Gateway, page: Page) -> None:
    gateway.issuer.add_agent("stopped-in-chromium", ("research",), "dave@bank.example")
    page.sign_in("erin", "/revocations")
    page.see("Nobody is stopped")
    page.fill("Name or id", "stopped-in-chromium")
    page.do("fill", css="form.stack input[name=reason]", value="INC-9, stolen laptop")
    page.click("button", "Stop it now")
    page.see("agent stopped-in-chromium")
    assert page.look("revocations") == []
    page.do("fill", css="form.row input[name=reason]", value="found")
    page.click("button", "Let it go on")
    page.see("lifted")


def test_evidence_and_a_question_are_kept(gateway: Gateway, page: Page, traffic: str) -> None:
    page.sign_in("erin", "/evidence")
    page.do("click", text="Keep something")
    page.do("fill", css="#holds input[name=reason]", value="Matter 2026-113")
    page.do("fill", css="#holds input[name=agent]", value="research-agent")
    assert page.look("legal-hold") == []
    page.click("button", "Keep it")
    page.see("agent research-agent")
    assert page.look("legal-holds") == []
    page.go("/sql")
    page.do("click", text="Keep it under a name")
    page.fill("Name", "Events by type")
    page.click("button", "Keep it")
    page.see("Kept by this house")
    assert page.look("sql-saved") == []


def test_copying(page: Page) -> None:
    page.sign_in("dave", "/connections")
    page.do("click", css="[data-copy]")
    page.see("opied")


def test_signing_out(page: Page) -> None:
    page.sign_in("alice")
    page.click("button", "Sign out")
    page.see("You are signed out")
    assert page.look("signed-out") == []
