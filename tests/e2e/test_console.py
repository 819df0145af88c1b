"""The console over the whole gateway, as a browser without pictures sees it: answer, look, replay, and who may."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from console.web.api.operations import OPERATIONS
from console.web.people import Role
from tests.e2e.test_holds import transfer
from tests.kit.browser import Browser, csrf
from tests.kit.gateway import Gateway, eventually

# digests, ids and times, in which any four digits stand by chance
RANDOM = re.compile(r'[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|"(ts|\w+_us)":"?\d{16}|"writer":"[\w.-]+"')


@pytest.fixture
def browser(gateway: Gateway) -> Iterator[Browser]:
    with Browser(f"http://127.0.0.1:{gateway.house.ports['console']}") as browser:
        yield browser


def card(browser: Browser, waits: "Future[httpx.Response]") -> httpx.Response:
    """The page of the one card that waits."""

    def look() -> list[str]:
        assert not waits.done(), waits.result().text
        listed = browser.get("/approvals").text.partition("Answered or over")[0]
        return re.findall(r'href="(/approvals/[0-9a-f-]{36})"', listed)

    (href,) = eventually(look, lambda found: len(found) == 1)
    return browser.get(href)


def answer(browser: Browser, page: httpx.Response, verb: str, **fields: str) -> httpx.Response:
    shown = re.search(r'name="shown" value="([0-9a-f]{64})"', page.text)
    given = {"answer": verb, "shown": shown[1] if shown else "", "reason": "checked", "csrf": csrf(page), **fields}
    return browser.post(str(page.url), data=given, follow_redirects=True)


def test_a_held_request_is_granted_on_its_page(gateway: Gateway, browser: Browser) -> None:
    browser.sign_in("alice")
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(transfer, gateway, "41.00")
        page = card(browser, waits)
        assert "pays invoice 4711" in page.text
        assert "<mark>[IBAN]</mark>" in page.text
        assert "GB82WEST" not in page.text
        done = answer(browser, page, "grant")
        assert done.status_code == 200, done.text
        assert waits.result(30).status_code == 201
    assert "alice@bank.example: checked" in done.text


def test_an_answer_that_does_not_count_says_why_and_changes_nothing(gateway: Gateway, browser: Browser) -> None:
    browser.sign_in("alice")
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(transfer, gateway, "42.00")
        page = card(browser, waits)
        for fields, why in (({"reason": ""}, "justification"), ({"shown": "0" * 64}, "other content")):
            refused = answer(browser, page, "grant", **fields)
            assert refused.status_code == 409
            assert why in refused.text
        assert answer(browser, page, "perhaps").status_code == 409
        with Browser(str(browser.base_url)) as dave:
            own = dave.sign_in("dave", str(page.url.path))
            assert "pays invoice 4711" in own.text
            assert 'value="grant"' not in own.text
            assert answer(dave, own, "grant").status_code == 403
        assert not waits.done()
        assert answer(browser, page, "refuse", reason="unknown payee").status_code == 200
        told = waits.result(30)
        assert (told.status_code, "unknown payee" in told.text) == (403, True)


def test_the_inbox_follows_by_itself(gateway: Gateway, browser: Browser) -> None:
    browser.sign_in("alice")
    with browser.stream("GET", "/approvals/changes") as stream, ThreadPoolExecutor(1) as pool:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        next(line for line in lines if "Nothing waits" in line)
        waits = pool.submit(transfer, gateway, "43.00")
        next(line for line in lines if "1 waiting" in line)
        assert answer(browser, card(browser, waits), "refuse").status_code == 200
        next(line for line in lines if "Nothing waits" in line)
        waits.result(30)


@pytest.fixture
def session(gateway: Gateway) -> str:
    """An exchange whose answer was masked; its session's key."""
    with gateway.client() as client:
        body = {"model": "gpt-5", "messages": [{"role": "user", "content": "play: customer"}]}
        exchange = client.post("/openai/v1/chat/completions", json=body).headers["x-exeat-decision"]
    eventually(lambda: gateway.events(exchange), lambda events: "exchange.end" in events)
    return str(gateway.sql("SELECT session FROM audit.decisions WHERE exchange = {e:String}", e=exchange)[0][0])


def test_a_session_is_found_played_and_explained(gateway: Gateway, browser: Browser, session: str) -> None:
    browser.sign_in("carol")
    assert session in browser.get("/sessions?agent=research-agent").text
    page = browser.get(f"/sessions/{session}")
    assert "Ada Lovell, card <mark>[CARD]</mark>" in page.text
    assert 'data-tone="mask"' in page.text
    exchange = re.findall(r"/decisions/([0-9a-f-]{36})", page.text)[-1]
    why = browser.get(f"/decisions/{exchange}")
    assert "decides the same again" in why.text
    assert "The recorded input has the hash" in why.text
    rule = re.search(r'href="(/policies/[0-9a-f]{64}/rule/\w+)"', why.text)
    assert rule
    text = browser.get(rule[1], follow_redirects=True)
    assert text.status_code == 200
    assert ".rego" in text.text


def test_decisions_are_narrowed(gateway: Gateway, browser: Browser, session: str) -> None:
    with gateway.client("intern-agent") as client:
        client.get("/openai/v1/models")
    gateway.settled()
    browser.sign_in("carol")
    page = browser.get("/decisions?effect=deny&agent=intern-agent").text
    assert 'class="chip bad">deny' in page
    assert 'class="chip good">allow' not in page
    assert "<svg" in page
    assert browser.get("/decisions?agent=nobody").text.count("No decision here") == 1
    assert browser.get("/decisions?since=whenever").status_code == 400


def test_who_read_is_recorded_in_their_own_name(gateway: Gateway, browser: Browser, session: str) -> None:
    browser.sign_in("carol")
    browser.get(f"/sessions/{session}")
    gateway.settled()
    rows = gateway.sql(
        "SELECT type, subject, issuer FROM audit.events WHERE kind = 'read' AND session = {s:String}", s=session
    )
    assert ("read.sessions.replay", "carol", gateway.house.issuer) in [tuple(row) for row in rows]


def test_what_agents_did_is_not_for_everybody(browser: Browser) -> None:
    page = browser.sign_in("alice")
    assert "/decisions" not in page.text
    for path in ("/decisions", "/sessions", "/decisions/00000000", "/sessions/x"):
        refused = browser.get(path)
        assert refused.status_code == 403
        assert "members of" in refused.text
    assert browser.get("/policies").status_code == 200


def test_wrong_addresses_are_sentences(browser: Browser) -> None:
    browser.sign_in("carol")
    for path, status in (
        ("/nowhere", 404),
        ("/policies/xyz", 404),
        (f"/policies/{'0' * 64}", 404),
        ("/decisions/x", 400),
    ):
        answered = browser.get(path)
        assert answered.status_code == status, path
        assert "<h1>" in answered.text


def test_no_page_allows_what_its_policy_forbids(browser: Browser, session: str) -> None:
    """No inline script or style: the content security policy would stop it, so there is none to stop."""
    browser.sign_in("carol")
    for path in ("/", "/approvals", "/decisions", "/sessions", f"/sessions/{session}", "/policies"):
        answered = browser.get(path)
        assert "unsafe-inline" not in answered.headers["content-security-policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|javascript:", answered.text), path


def test_a_program_asks_with_a_token(gateway: Gateway) -> None:
    token = gateway.issuer.person_token("carol")
    url = f"http://127.0.0.1:{gateway.house.ports['console']}/decisions"
    assert httpx.get(url, headers={"authorization": f"Bearer {token}"}).status_code == 200
    agent = json.loads(json.dumps(gateway.headers()))
    assert httpx.get(url, headers=agent).status_code in (303, 401)


def test_the_record_is_asked_by_sql(gateway: Gateway, browser: Browser, session: str) -> None:
    page = browser.sign_in("carol", "/sql")
    token = csrf(page)
    found = browser.post("/sql", data={"csrf": token, "sql": "SELECT type, count() AS n FROM events GROUP BY type"})
    assert "decision.allow" in found.text
    assert "<svg" in found.text
    for sql in ("DROP TABLE audit.events", "SELECT 1 FORMAT CSV", "SELEC", "INSERT INTO events VALUES (1)", ""):
        refused = browser.post("/sql", data={"csrf": token, "sql": sql})
        assert refused.status_code == 400, sql
        assert 'role="alert"' in refused.text
    named = browser.post("/sql", data={"csrf": token, "question": "decisions-by-day", "since": "1d"})
    assert "allow" in named.text
    assert browser.post("/sql", data={"sql": "SELECT 1"}).status_code == 403, "without the session's token"


def test_what_happens_is_told_as_it_happens(gateway: Gateway, browser: Browser, session: str) -> None:
    browser.sign_in("carol")
    page = browser.get("/live")
    after = re.search(r"/live/happenings\?after=(\d+)", page.text)
    assert after
    with browser.stream("GET", after[0]) as stream:
        lines = stream.iter_lines()
        with gateway.client("intern-agent") as client:
            client.get("/openai/v1/models")
        next(line for line in lines if "deny intern-agent GET /v1/models" in line)


def test_a_text_is_tried_and_kept_nowhere(gateway: Gateway, browser: Browser) -> None:
    token = csrf(browser.sign_in("alice", "/masking"))
    found = browser.post("/masking", data={"csrf": token, "text": "card 4111 1111 1111 1111", "profile": "floor"})
    assert "card <mark>[CARD]</mark>" in found.text
    assert "4111 1111" not in found.text.replace("placeholder", "").partition("<h3>Masked")[2]
    gateway.settled()
    bodies = str(gateway.sql("SELECT body FROM audit.events WHERE kind = 'read'"))
    assert "4111" not in RANDOM.sub("", bodies)


def test_connections_say_how_to_reach_them(gateway: Gateway, browser: Browser) -> None:
    page = browser.sign_in("dave", "/connections").text
    assert f"export ANTHROPIC_BASE_URL={gateway.url}/anthropic" in page
    assert page.count(">reachable<") >= 3
    for name in gateway.settings.secrets:
        secret = gateway.settings.secrets[name].file.read_text().strip()
        assert secret not in page


def test_the_record_is_verified_and_reported(gateway: Gateway, browser: Browser, session: str) -> None:
    page = browser.sign_in("carol", "/evidence")
    token = csrf(page)
    assert "— exeat-dev" in page.text
    gateway.settled()
    checked = browser.post("/evidence/verify", data={"csrf": token}, timeout=60)
    assert "OK: gateway exeat-dev" in checked.text
    asked = {"csrf": token, "framework": "nist-800-53", "since": "1d"}
    made = browser.post("/evidence/reports", data=asked, follow_redirects=True, timeout=60)
    assert "NIST" in made.text
    assert "<dd>named</dd>" in made.text
    href = re.search(r"/evidence/reports/[0-9a-z-]+/archive", made.text)
    assert href
    archive = browser.get(href[0])
    with zipfile.ZipFile(io.BytesIO(archive.content)) as folder:
        names = set(folder.namelist())
        sums = folder.read("SHA256SUMS")
    assert {"report.html", "events.jsonl", "named-by.json", "verifier/audit/verify/__main__.py"} <= names
    assert hashlib.sha256(sums).hexdigest() in made.text
    assert browser.post("/evidence/reports", data={"csrf": token, "framework": "none"}).status_code == 400
    assert browser.get("/evidence/reports/..%2f..%2fkeys/archive").status_code == 404
    gateway.settled()
    readers = gateway.sql("SELECT subject FROM audit.events WHERE type IN ('read.report', 'read.evidence.report')")
    assert {row[0] for row in readers} == {"carol"}


def test_a_revision_is_tested_tried_and_backtested(gateway: Gateway, browser: Browser, session: str) -> None:
    page = browser.sign_in("carol", "/policies")
    token = csrf(page)
    found = re.search(r"/policies/[0-9a-f]{64}", page.text)
    assert found
    here = found[0]
    tests = browser.post(f"{here}/tests", data={"csrf": token}, timeout=60)
    assert "it would be published" in tests.text
    case = "description: an intern\ninput: {connection: {name: openai, kind: openai}}\nwant: {effect: allow}\n"
    tried = browser.post(f"{here}/try", data={"csrf": token, "case": case}, timeout=60)
    assert 'class="chip bad">deny' in tried.text
    assert "effect is &#39;deny&#39;, not &#39;allow&#39;" in tried.text
    assert browser.post(f"{here}/try", data={"csrf": token, "case": "nonsense: ["}).status_code == 400
    gateway.settled()
    plan = browser.get(f"{here}/backtest?file=data/roles.yaml").text
    roles = (gateway.house.folder / "policies/data/roles.yaml").read_text()
    assert "groups: [research]" in plan
    draft = {"csrf": token, "file": "data/roles.yaml", "text": roles + "nobody: {groups: [nobody]}\n", "since": "1d"}
    same = browser.post(f"{here}/backtest", data=draft, timeout=60)
    assert "Nothing changes" in same.text, same.text
    broken = browser.post(f"{here}/backtest", data=draft | {"text": "x: ["}, timeout=60)
    assert broken.status_code == 400
    assert "data/roles.yaml:1" in broken.text
    with Browser(str(browser.base_url)) as alice:
        alice.sign_in("alice")
        assert alice.get(f"{here}/backtest").status_code == 403


def test_the_api_asks_for_a_token_and_a_role(gateway: Gateway, browser: Browser) -> None:
    """What it answers is in tests/more/test_api.py."""
    tokens = {name: {"authorization": f"Bearer {gateway.issuer.person_token(name)}"} for name in ("alice", "carol")}
    with httpx.Client(base_url=browser.base_url) as program:
        for operation in OPERATIONS:
            path = re.sub(r"{\w+}", "0" * 64, f"/api/v1{operation.path}")
            sent = {"json": {}} if operation.method == "POST" else {}
            answered = program.request(operation.method, path, **sent)
            assert (answered.status_code, answered.json()["error"]) == (401, "sign_in_needed"), path
            alice = program.request(operation.method, path, headers=tokens["alice"], **sent)
            assert (alice.status_code == 403) == (Role.APPROVER not in operation.roles), path
        assert program.get("/api/v1/me", headers=tokens["carol"]).json()["roles"] == ["agent", "auditor"]
        assert program.get("/api/v1/openapi.json", headers=tokens["carol"]).json()["openapi"] == "3.1.0"
        for method, path, status in (("GET", "/api/v1/nowhere", 404), ("DELETE", "/api/v1/me", 405)):
            refused = program.request(method, path, headers=tokens["carol"])
            assert (refused.status_code, set(refused.json())) == (status, {"error", "message"})


def test_a_program_answers_what_waits(gateway: Gateway, browser: Browser) -> None:
    token = {"authorization": f"Bearer {gateway.issuer.person_token('alice')}"}
    with httpx.Client(base_url=f"{browser.base_url}/api/v1", headers=token) as api, ThreadPoolExecutor(1) as pool:
        waits = pool.submit(transfer, gateway, "44.00")
        listed = eventually(lambda: api.get("/approvals").json()["approvals"], bool)
        one = api.get(f"/approvals/{listed[0]['id']}").json()
        answer = {"shown_digest": one["shown_digest"], "justification": "checked"}
        assert api.post(f"/approvals/{one['id']}/grant", json=answer | {"shown_digest": "0" * 64}).status_code == 409
        granted = api.post(f"/approvals/{one['id']}/grant", json=answer)
        assert (granted.status_code, granted.json()["state"]) == (200, "granted")
        assert waits.result(30).status_code == 201
        assert api.get("/approvals/00000000-0000-7000-8000-000000000000").status_code == 404
