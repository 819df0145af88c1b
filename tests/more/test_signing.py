"""Answers signed in a real Chromium with its virtual authenticator, and verified offline from an exported package."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from approvals.errors import SignatureNeeded
from tests.e2e.test_holds import transfer
from tests.kit import gateway as kit
from tests.kit.approver import Approver
from tests.kit.browser import Browser, csrf
from tests.kit.chromium import Page, chromium
from tests.kit.gateway import Gateway

pytestmark = [pytest.mark.more, pytest.mark.timeout(600)]
EXTRA = """
[console]
public_url = "http://localhost:{console}"

[approvals]
signature = "required"
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with kit.running(extra=EXTRA) as running:
        yield running


@pytest.fixture
def page(gateway: Gateway) -> Iterator[Page]:
    with chromium(gateway.settings.console.url) as page:
        yield page


def exeat(gateway: Gateway, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "console.cli", "-c", str(gateway.house.config), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_answers_are_signed_in_the_browser_and_verified_offline(gateway: Gateway, page: Page, tmp_path: Path) -> None:
    page.sign_in("alice", "/authenticators")
    page.see("Here every answer must be signed")
    with ThreadPoolExecutor(1) as pool:
        alice = Approver(gateway)
        waits = pool.submit(transfer, gateway, "81.00")
        (card,) = alice.expect(waits)
        with pytest.raises(SignatureNeeded, match="takes the console"):
            alice.grant(card)
        told = exeat(gateway, "approvals", "grant", card.id, "--justification", "checked", "--as", "alice")
        assert (told.returncode, "takes the console" in told.stderr) == (2, True)
        with Browser(gateway.settings.console.url) as plain:  # without script the form goes unsigned
            form = plain.sign_in("alice", f"/approvals/{card.id}")
            fields = {"csrf": csrf(form), "shown": card.card.shown_digest, "answer": "grant", "reason": "checked"}
            answered = plain.post(f"/approvals/{card.id}", data=fields)
            assert (answered.status_code, "must be signed" in answered.text) == (409, True)
        token = {"authorization": f"Bearer {gateway.issuer.person_token('alice')}"}
        given = {"shown_digest": card.card.shown_digest, "justification": "checked"}
        api = f"{gateway.settings.console.url}/api/v1/approvals/{card.id}/grant"
        programs = httpx.post(api, json=given, headers=token, timeout=30, trust_env=False)
        assert (programs.status_code, programs.json()["error"]) == (403, "signature_required")
        page.go(f"/approvals/{card.id}")
        page.see("you have no authenticator here yet")

        device = page.do("authenticator")
        page.click("link", "Register one")
        page.fill("Name, so that you know it again", "the blue key")
        page.do("press", key="Enter")
        page.see("nothing yet")
        assert page.look("authenticators") == []

        page.go(f"/approvals/{card.id}")
        page.see("Your authenticator will ask you")
        page.fill("Reason", "checked with the branch,\nall of it")
        page.do("verified", id=device, **{"is": False})  # somebody else holds the key
        page.click("button", "Grant", exact=True)
        page.see("Nothing was signed")
        assert page.look("approval-not-signed") == []
        assert not waits.done()
        page.do("verified", id=device, **{"is": True})
        page.do("press", key="Enter")  # on Grant, where the focus is
        assert waits.result(30).status_code == 201
        page.see("signed")
        assert page.look("approval-signed") == []

        waits = pool.submit(transfer, gateway, "82.00")
        (card,) = alice.expect(waits)
        page.go(f"/approvals/{card.id}")
        page.fill("Reason", "unknown payee")
        page.click("button", "Refuse")
        refused = waits.result(30)
        assert (refused.status_code, "unknown payee" in refused.text) == (403, True)
    page.do("complaints")  # the browser tells of the cancelled one as an error

    gateway.settled()
    live = exeat(gateway, "audit", "verify")
    assert (live.returncode, "2 signatures of approvers checked" in live.stdout) == (0, True), live.stdout
    listed = exeat(gateway, "audit", "sql", "--question", "answers-signed", "--json")
    signed = [bool(answer["signed_with"]) for answer in json.loads(listed.stdout)]
    assert signed == [True, True], listed.stderr
    for scope in ([], ["--agent", "ledger-agent"]):
        folder = tmp_path / f"package{len(scope)}"
        done = exeat(gateway, "audit", "export", str(folder), *scope)
        assert done.returncode == 0, done.stderr
        vkey = gateway.settings.gateway.state_dir / "keys" / "log.vkey"
        offline = [sys.executable, "-m", "audit.verify", "package", str(folder), "--vkey", str(vkey)]
        verified = subprocess.run(offline, capture_output=True, text=True, timeout=120, check=False)
        assert (verified.returncode, "2 signatures of approvers checked" in verified.stdout) == (0, True), verified

    page.go("/authenticators")
    page.click("button", "Remove")
    page.see("You have none yet")
