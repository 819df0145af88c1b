"""What people do in the console beside answering: stop somebody, keep evidence, keep a question; and by the API."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.test_holds import asking, transfer
from tests.kit.approver import Approver
from tests.kit.browser import Browser, csrf
from tests.kit.gateway import Gateway, eventually


@pytest.fixture
def browser(gateway: Gateway) -> Iterator[Browser]:
    with Browser(f"http://127.0.0.1:{gateway.house.ports['console']}") as browser:
        yield browser


def api(gateway: Gateway, name: str, **claims: object) -> httpx.Client:
    token = gateway.issuer.person_token(name, **claims)  # type: ignore[arg-type]
    url = f"http://127.0.0.1:{gateway.house.ports['console']}/api/v1"
    return httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=30)


def test_an_agent_is_stopped_and_goes_on(gateway: Gateway, browser: Browser) -> None:
    gateway.issuer.add_agent("stopped-by-hand", ("research",), "dave@bank.example")
    page = browser.sign_in("erin", "/revocations?scope=agent&value=stopped-by-hand")
    assert 'value="stopped-by-hand"' in page.text
    given = {"csrf": csrf(page), "scope": "agent", "value": "stopped-by-hand"}
    assert browser.post("/revocations", data=given).status_code == 400, "without a reason"
    assert browser.post("/revocations", data=given | {"scope": "all", "reason": "x"}).status_code == 400
    made = browser.post("/revocations", data=given | {"reason": "INC-7"}, follow_redirects=True)
    assert "agent stopped-by-hand" in made.text
    assert "INC-7" in made.text
    with gateway.client("stopped-by-hand") as client:
        assert eventually(lambda: client.get("/openai/v1/models").status_code, lambda status: status == 403)
        href = re.search(r"/revocations/[0-9a-f-]{36}/lift", made.text)
        assert href
        lifted = browser.post(href[0], data={"csrf": csrf(made), "reason": "found"}, follow_redirects=True)
        assert 'class="chip off">lifted' in lifted.text
        assert eventually(lambda: client.get("/openai/v1/models").status_code, lambda status: status == 200)
    with Browser(str(browser.base_url)) as carol:
        page = carol.sign_in("carol", "/revocations")
        assert "stopped-by-hand" in page.text
        assert "Stop it now" not in page.text
        token = csrf(carol.get("/evidence"))
        assert carol.post("/revocations", data=given | {"csrf": token, "reason": "x"}).status_code == 403


def test_evidence_is_kept_by_an_auditor_and_released_by_an_administrator(gateway: Gateway, browser: Browser) -> None:
    page = browser.sign_in("carol", "/evidence")
    given = {"csrf": csrf(page), "agent": "intern-agent", "since": "2d"}
    for wrong in ({"reason": " "}, {"reason": "x", "since": "whenever"}):
        assert browser.post("/evidence/legal-holds", data=given | wrong).status_code == 400
    reason = {"reason": "Matter 2026-113, SSN 536-22-1234"}
    kept = browser.post("/evidence/legal-holds", data=given | reason, follow_redirects=True)
    assert "agent intern-agent" in kept.text
    assert "536-22-1234" not in kept.text
    href = re.search(r"/evidence/legal-holds/[0-9a-f-]{36}/release", browser.get("/evidence").text)
    assert href is None, "an auditor keeps; to release takes an administrator"
    with Browser(str(browser.base_url)) as erin:
        page = erin.sign_in("erin", "/evidence")
        (href,) = set(re.findall(r"/evidence/legal-holds/[0-9a-f-]{36}/release", page.text))
        token = {"csrf": csrf(page)}
        assert erin.post(href, data=token).status_code == 400, "without a reason"
        done = erin.post(href, data=token | {"reason": "settled"}, follow_redirects=True)
        assert "settled" in done.text
        assert href not in done.text


def test_a_question_of_the_house_is_kept_asked_and_dropped(gateway: Gateway, browser: Browser) -> None:
    token = csrf(browser.sign_in("carol", "/sql"))
    given = {"csrf": token, "sql": "SELECT count() AS n\r\nFROM events", "name": "How many events?"}
    kept = browser.post("/sql/saved", data=given, follow_redirects=True)
    assert "SELECT count() AS n\nFROM events</textarea>" in kept.text
    assert "kept by carol@bank.example" in kept.text
    for wrong in ({"name": "<b>"}, {"sql": ""}, {"sql": "SELECT '536-22-1234'"}):
        refused = browser.post("/sql/saved", data=given | wrong)
        assert refused.status_code == 400
        assert 'role="alert"' in refused.text
    stored = gateway.settings.gateway.state_dir / "questions.json"
    assert [row["name"] for row in json.loads(stored.read_text())] == ["How many events?"]
    assert stored.stat().st_mode & 0o777 == 0o600
    browser.post("/sql/saved/drop", data=given)
    assert "How many events?" not in browser.get("/sql").text


def test_a_program_grants_less_and_in_advance(gateway: Gateway) -> None:
    with api(gateway, "alice") as alice:
        with asking(gateway, "61.00") as future:
            (card,) = Approver(gateway).expect(future)
            given = {"shown_digest": card.card.shown_digest, "justification": "checked"}
            path = f"/approvals/{card.id}/grant"
            assert alice.post(path, json=given | {"masking": ["nobody"]}).status_code == 400
            assert alice.post(path, json=given | {"standing": {"uses": 99}}).status_code == 400
            less = {"masking": ["pci"], "max_response_bytes": 100_000, "standing": {"uses": 2, "seconds": 300}}
            granted = alice.post(path, json=given | less).json()
            assert granted["granted_with"] == {"masking": ["pci"], "max_response_bytes": 100_000}
            assert future.result(30).status_code == 201
        assert transfer(gateway, "61.01").status_code == 201, "nobody was asked"
        (one,) = [each for each in alice.get("/standing").json()["standing"] if each["state"] == "active"]
        assert (one["uses"], one["uses_left"]) == (2, 1)
        ended = alice.post(f"/standing/{one['id']}/revoke", json={"words": "quarter is over"})
        assert ended.json()["state"] == "revoked"
        assert alice.post(f"/standing/{one['id']}/revoke", json={}).status_code == 404


def test_a_program_breaks_the_glass_and_another_reviews(gateway: Gateway) -> None:
    with api(gateway, "alice") as alice, api(gateway, "erin") as erin, asking(gateway, "62.00") as future:
        (card,) = Approver(gateway).expect(future)
        given = {"shown_digest": card.card.shown_digest, "justification": "payments are down"}
        assert alice.post(f"/approvals/{card.id}/break-glass", json=given).status_code == 403
        assert erin.post(f"/approvals/{card.id}/break-glass", json=given).json()["state"] == "granted"
        assert future.result(30).status_code == 201
        (owed,) = [each for each in alice.get("/standing").json()["standing"] if each["approval"] == card.id]
        assert owed["owes_review"]
        path = f"/standing/{owed['id']}/review"
        assert erin.post(path, json={"words": "fine"}).status_code == 403
        assert alice.post(path, json={"words": "it was needed"}).json()["owes_review"] is False


def test_a_program_stops_somebody_and_keeps_evidence(gateway: Gateway) -> None:
    gateway.issuer.add_agent("stopped-by-program", ("research",), "dave@bank.example")
    with api(gateway, "erin") as erin, api(gateway, "carol") as carol:
        stop = {"scope": "agent", "value": "stopped-by-program", "reason": "INC-8"}
        assert carol.post("/revocations", json=stop).status_code == 403
        made = erin.post("/revocations", json=stop).json()
        assert made["id"] in [each["id"] for each in carol.get("/revocations").json()["revocations"]]
        assert erin.post(f"/revocations/{made['id']}/lift", json={"words": "found"}).json()["active"] is False
        kept = carol.post("/legal-holds", json={"reason": "Matter 2026-114", "agent": "stopped-by-program"}).json()

        def holds() -> bool | None:
            found = carol.get("/legal-holds").json()["legal_holds"]
            return next((each["active"] for each in found if each["id"] == kept["id"]), None)

        eventually(holds, bool)
        path = f"/legal-holds/{kept['id']}/release"
        assert carol.post(path, json={"words": "settled"}).status_code == 403
        assert erin.post(path, json={"words": "settled"}).json() == kept
        eventually(holds, lambda active: active is False)
