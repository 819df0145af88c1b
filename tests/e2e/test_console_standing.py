"""Standing grants and break-glass on their pages, under a policy that allows both."""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.e2e.test_console import answer, card
from tests.e2e.test_holds import transfer
from tests.kit import gateway as kit
from tests.kit.browser import Browser, csrf
from tests.kit.gateway import Gateway


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    policies = shutil.copytree(kit.POLICIES, tmp_path_factory.mktemp("more") / "policies")
    for path in [*policies.rglob("*_test.rego"), *policies.glob("cases/*.yaml")]:
        path.unlink()
    file: Path = policies / "data/risk.yaml"
    risk = yaml.safe_load(file.read_text())
    risk["high"] |= {
        "standing": {"uses": 3, "within": "1h"},
        "break_glass": {"any": ["exeat-admins", "ledger-approvers"]},
    }
    file.write_text(yaml.safe_dump(risk))
    with kit.running(policies) as running:
        yield running


@pytest.fixture
def browser(house: Gateway) -> Iterator[Browser]:
    with Browser(f"http://127.0.0.1:{house.house.ports['console']}") as browser:
        yield browser


def test_granted_in_advance_used_listed_and_ended(house: Gateway, browser: Browser) -> None:
    browser.sign_in("alice")
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(transfer, house, "51.00")
        page = card(browser, waits)
        assert answer(browser, page, "grant", uses="x").status_code == 409
        assert answer(browser, page, "grant", uses="99").status_code == 409, "more than the policy allows"
        assert answer(browser, page, "grant", uses="2", minutes="5", bytes="100000").status_code == 200
        assert waits.result(30).status_code == 201
    assert transfer(house, "52.00").status_code == 201, "nobody was asked"
    listed = browser.get("/standing")
    assert "1 of 2" in listed.text
    assert "alice@bank.example: checked" in listed.text
    href = re.search(r"/standing/[0-9a-f-]{36}", listed.text)
    assert href
    told = {"csrf": csrf(listed), "answer": "revoke", "reason": "quarter is over"}
    assert browser.post(href[0], data=told | {"answer": "keep"}).status_code == 409
    ended = browser.post(href[0], data=told, follow_redirects=True)
    assert 'class="chip off">revoked' in ended.text
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(transfer, house, "53.00")
        assert answer(browser, card(browser, waits), "refuse").status_code == 200
        assert waits.result(30).status_code == 403


def test_alone_in_an_emergency_and_reviewed_by_somebody_else(house: Gateway, browser: Browser) -> None:
    browser.sign_in("alice")
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(transfer, house, "54.00")
        page = card(browser, waits)
        assert "Break glass" in page.text
        assert answer(browser, page, "break-glass", reason="payments are down").status_code == 200
        assert waits.result(30).status_code == 201
    listed = browser.get("/standing")
    assert "owes a review" in listed.text
    glass = re.search(r"/standing/[0-9a-f-]{36}", listed.text)
    assert glass
    review = {"answer": "review", "reason": "it was needed"}
    own = browser.post(glass[0], data=review | {"csrf": csrf(listed)})
    assert own.status_code == 409, "who gave it does not review it"
    with Browser(str(browser.base_url)) as bob:
        page = bob.sign_in("bob", "/standing")
        done = bob.post(glass[0], data=review | {"csrf": csrf(page)}, follow_redirects=True)
        assert "bob@bank.example: it was needed" in done.text
        assert "owes a review" not in done.text
