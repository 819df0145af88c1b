"""Holds through the whole gateway: granted, refused, expired, left, and found again."""

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.test_evidence import exeat
from tests.kit.gateway import Gateway, eventually


def transfer(gateway: Gateway, amount: str) -> httpx.Response:
    body = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000", "amount": amount}
    headers = gateway.headers("ledger-agent") | {"x-exeat-justification": "pays invoice 4711"}
    return httpx.post(f"{gateway.url}/ledger/transfers", json=body, headers=headers, timeout=60)


def cards(gateway: Gateway, state: str = "requested") -> list[dict[str, Any]]:
    listed = exeat(gateway, "approvals", "list", "--as", "alice", "--json")
    assert listed.returncode == 0, listed.stderr
    return [card for card in json.loads(listed.stdout) if card["state"] == state]


def held(gateway: Gateway, future: "Future[httpx.Response]") -> dict[str, Any]:
    def look() -> list[dict[str, Any]]:
        assert not future.done(), future.result().text
        return cards(gateway)

    (card,) = eventually(look, lambda found: len(found) == 1)
    return card


def answer(gateway: Gateway, verb: str, card: dict[str, Any], who: str = "alice") -> "Any":
    return exeat(gateway, "approvals", verb, card["id"], "--as", who, "--justification", "checked")


def test_granted(gateway: Gateway) -> None:
    before = len(gateway.upstream.bookings)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, gateway, "1.00")
        card = held(gateway, future)
        assert len(gateway.upstream.bookings) == before  # nothing leaves before the grant
        assert answer(gateway, "grant", card).returncode == 0
        response = future.result(30)
    assert response.status_code == 201, response.text
    assert len(gateway.upstream.bookings) == before + 1
    exchange = response.headers["x-exeat-decision"]
    events = eventually(lambda: gateway.events(exchange), lambda found: "exchange.end" in found)
    order = [e for e in events if e.startswith(("decision", "approval"))]
    assert order == ["decision.hold", "approval.requested", "approval.granted", "approval.used"]


def test_refused(gateway: Gateway) -> None:
    before = len(gateway.upstream.bookings)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, gateway, "2.00")
        assert answer(gateway, "refuse", held(gateway, future)).returncode == 0
        response = future.result(30)
    assert response.status_code == 403
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["x-exeat-decision"] in response.text
    assert len(gateway.upstream.bookings) == before


@pytest.mark.parametrize("who", ["carol", "dave", "ledger-agent"])
def test_who_may_not_grant(gateway: Gateway, who: str) -> None:
    """No approver's group; the agent's owner; the requester's own data-path token."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, gateway, f"3.{len(who)}")
        card = held(gateway, future)
        said = answer(gateway, "grant", card, who)
        assert said.returncode in (1, 2)
        assert not future.done()
        assert answer(gateway, "refuse", card).returncode == 0
        assert future.result(30).status_code == 403


def test_granted_in_advance(gateway: Gateway) -> None:
    """The next one like it goes at once, the one after that is asked about again."""
    before = len(gateway.upstream.bookings)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, gateway, "5.00")
        card = held(gateway, future)
        more = ("--standing", "--uses", "1", "--for", "5m")
        said = exeat(gateway, "approvals", "grant", card["id"], "--as", "alice", "--justification", "ok", *more)
        assert said.returncode == 0, said.stderr
        assert future.result(30).status_code == 201
        second = transfer(gateway, "5.01")
        assert second.status_code == 201
        exchange = second.headers["x-exeat-decision"]
        events = eventually(
            lambda: gateway.events(exchange), lambda found: {"exchange.end", "approval.used"} <= set(found)
        )
        asked = [event for event in events if event.startswith(("approval", "standing"))]
        assert sorted(asked) == ["approval.granted", "approval.requested", "approval.used", "standing.taken"]
        future = pool.submit(transfer, gateway, "5.02")
        assert answer(gateway, "refuse", held(gateway, future)).returncode == 0
        assert future.result(30).status_code == 403
    assert len(gateway.upstream.bookings) == before + 2


def test_the_glass_is_broken_and_looked_at(gateway: Gateway) -> None:
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, gateway, "6.00")
        card = held(gateway, future)
        assert answer(gateway, "break-glass", card, "alice").returncode != 0  # not of the group for emergencies
        assert answer(gateway, "break-glass", card, "erin").returncode == 0
        assert future.result(30).status_code == 201
    listed = exeat(gateway, "approvals", "standing", "--as", "alice", "--json")
    (owed,) = [each for each in json.loads(listed.stdout) if each["owes_review"]]
    assert (owed["approval"], owed["given_by"]) == (card["id"], ["erin@bank.example"])
    assert answer(gateway, "review", owed, "erin").returncode != 0
    assert answer(gateway, "review", owed, "alice").returncode == 0


def test_a_client_that_left_and_came_back_makes_no_second_card(gateway: Gateway) -> None:
    gone = threading.Event()

    def impatient() -> None:
        body = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000", "amount": "4.00"}
        headers = gateway.headers("ledger-agent") | {"x-exeat-justification": "pays invoice 4711"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{gateway.url}/ledger/transfers", json=body, headers=headers, timeout=3)
        gone.set()

    thread = threading.Thread(target=impatient)
    thread.start()
    (card,) = eventually(lambda: cards(gateway), lambda found: len(found) == 1)
    assert gone.wait(20)
    thread.join()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(transfer, gateway, "4.00")
        eventually(lambda: cards(gateway), lambda found: [c["id"] for c in found] == [card["id"]])
        assert answer(gateway, "grant", card).returncode == 0
        assert future.result(30).status_code == 201
