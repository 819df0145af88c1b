"""Holds through the whole gateway: granted, refused, expired, left, and found again."""

import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from approvals.facts import Narrowing
from approvals.machine import Approval
from runtime.errors import CallerError
from tests.e2e.test_evidence import exeat
from tests.kit.approver import Approver
from tests.kit.approver import held as waiting
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


def asking(gateway: Gateway, amount: str) -> "AbstractContextManager[Future[httpx.Response]]":
    """A transfer in a thread of its own; whatever waits at the end is refused, so that no test meets another's card."""
    return waiting(gateway, lambda: transfer(gateway, amount))


def test_granted(gateway: Gateway) -> None:
    before = len(gateway.upstream.bookings)
    with asking(gateway, "1.00") as future:
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
    with asking(gateway, "2.00") as future:
        assert answer(gateway, "refuse", held(gateway, future)).returncode == 0
        response = future.result(30)
    assert response.status_code == 403
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["x-exeat-decision"] in response.text
    assert len(gateway.upstream.bookings) == before


@pytest.mark.parametrize("who", ["carol", "dave", "ledger-agent"])
def test_who_may_not_grant(gateway: Gateway, who: str) -> None:
    """No approver's group; the agent's owner; the requester's own data-path token."""
    with asking(gateway, f"3.{len(who)}") as future:
        card = held(gateway, future)
        said = answer(gateway, "grant", card, who)
        assert said.returncode in (1, 2)
        assert not future.done()
        assert answer(gateway, "refuse", card).returncode == 0
        assert future.result(30).status_code == 403


@pytest.mark.parametrize(
    ("name", "claims", "says"),
    [
        ("dave", {"groups": ["exeat-admins", "auditors", "ledger-approvers", "on-call"]}, "own agent's|duties apart"),
        ("dave", {"groups": ["ledger-approvers", "on-call"]}, "your own agent's"),
        ("alice", {"auth_age_s": 901}, "more than 15 minutes ago"),
        ("erin", {"groups": ["exeat-admins", "auditors"]}, "takes a member of ledger-approvers"),
    ],
    ids=[
        "administrator who owns the agent",
        "approver who owns the agent",
        "signed in too long ago",
        "administrator without the group",
    ],
)
def test_whose_yes_does_not_count(gateway: Gateway, name: str, claims: dict[str, Any], says: str) -> None:
    with asking(gateway, "3.90") as future:
        (card,) = Approver(gateway).expect(future)
        somebody = Approver(gateway, name, claims)
        for say in (somebody.grant, somebody.break_glass) if name == "dave" else (somebody.grant,):
            with pytest.raises(CallerError, match=says):
                say(card)
        assert not future.done()
        assert Approver(gateway).refuse(card).state == "refused"  # to stop it needs no fresh sign-in
        assert future.result(30).status_code == 403


def together(*answers: Callable[[], Approval]) -> list[Approval | CallerError]:
    """Each in a thread, all let go at one instant."""
    gate = threading.Barrier(len(answers))

    def one(say: Callable[[], Approval]) -> Approval | CallerError:
        gate.wait(30)
        try:
            return say()
        except CallerError as error:
            return error

    with ThreadPoolExecutor(len(answers)) as pool:
        return list(pool.map(one, answers))


def test_two_who_grant_at_one_instant_are_one_grant(gateway: Gateway) -> None:
    before = len(gateway.upstream.bookings)
    alice, bob = Approver(gateway, "alice"), Approver(gateway, "bob")
    with asking(gateway, "3.91") as future:
        (card,) = alice.expect(future)
        said = together(lambda: alice.grant(card), lambda: bob.grant(card))
        response = future.result(30)
    assert response.status_code == 201
    assert len(gateway.upstream.bookings) == before + 1
    (late,) = [each for each in said if isinstance(each, CallerError)]
    assert re.search("already|used|granted", late.message)
    events = eventually(lambda: gateway.events(response.headers["x-exeat-decision"]), {"exchange.end"}.issubset)
    assert events.count("approval.granted") == 1


def test_a_yes_and_a_no_at_one_instant(gateway: Gateway) -> None:
    """Both are recorded in an order, and what happens is what that order says."""
    before = len(gateway.upstream.bookings)
    alice, bob = Approver(gateway, "alice"), Approver(gateway, "bob")
    with asking(gateway, "3.92") as future:
        (card,) = alice.expect(future)
        together(lambda: alice.grant(card), lambda: bob.refuse(card))
        response = future.result(30)
    exchange = response.headers["x-exeat-decision"]
    events = [event for event in eventually(lambda: gateway.events(exchange), {"exchange.end"}.issubset)]
    refused = "approval.refused" in events
    assert refused != ("approval.used" in events)
    assert response.status_code == (403 if refused else 201)
    assert len(gateway.upstream.bookings) == before + (0 if refused else 1)


def test_an_answer_without_the_words_that_the_policy_asks_for_changes_nothing(gateway: Gateway) -> None:
    alice = Approver(gateway)
    with asking(gateway, "3.93") as future:
        (card,) = alice.expect(future)
        for say in (alice.grant, alice.refuse):
            with pytest.raises(CallerError, match="justification"):
                say(card, "  ")
        assert alice.waiting()[0].facts == card.facts
        assert alice.grant(card, "checked").state == "granted"
        assert future.result(30).status_code == 201


def test_a_grant_of_less_lets_less_come_back(gateway: Gateway) -> None:
    """The transfer is booked; of its answer no more comes back than the approver let."""
    before = len(gateway.upstream.bookings)
    alice = Approver(gateway)
    with asking(gateway, "3.94") as future:
        (card,) = alice.expect(future)
        less = Narrowing(("pci",), 4)
        alice.call(lambda client: client.grant(card.id, card.card.shown_digest, "checked", less))
        response = future.result(30)
    assert response.status_code == 502
    assert "larger than the approver allowed" in response.text
    assert "booked" not in response.text
    assert len(gateway.upstream.bookings) == before + 1


def test_granted_in_advance(gateway: Gateway) -> None:
    """The next one like it goes at once, the one after that is asked about again."""
    before = len(gateway.upstream.bookings)
    with asking(gateway, "5.00") as future:
        card = held(gateway, future)
        more = ("--standing", "--uses", "1", "--for", "5m")
        said = exeat(gateway, "approvals", "grant", card["id"], "--as", "alice", "--justification", "ok", *more)
        assert said.returncode == 0, said.stderr
        assert future.result(30).status_code == 201
    second = transfer(gateway, "5.01")
    assert second.status_code == 201
    exchange = second.headers["x-exeat-decision"]
    events = eventually(lambda: gateway.events(exchange), lambda found: {"exchange.end", "approval.used"} <= set(found))
    asked = [event for event in events if event.startswith(("approval", "standing"))]
    assert sorted(asked) == ["approval.granted", "approval.requested", "approval.used", "standing.taken"]
    with asking(gateway, "5.02") as future:
        assert answer(gateway, "refuse", held(gateway, future)).returncode == 0
        assert future.result(30).status_code == 403
    assert len(gateway.upstream.bookings) == before + 2


def test_the_glass_is_broken_and_looked_at(gateway: Gateway) -> None:
    with asking(gateway, "6.00") as future:
        card = held(gateway, future)
        assert answer(gateway, "break-glass", card, "alice").returncode != 0  # not of the group for emergencies
        assert answer(gateway, "break-glass", card, "erin").returncode == 0
        assert future.result(30).status_code == 201
    listed = exeat(gateway, "approvals", "standing", "--as", "alice", "--json")
    (owed,) = [each for each in json.loads(listed.stdout) if each["owes_review"]]
    assert (owed["approval"], owed["given_by"]) == (card["id"], ["erin@bank.example"])
    assert answer(gateway, "review", owed, "erin").returncode != 0
    assert answer(gateway, "review", owed, "alice").returncode == 0

    def told() -> list[dict[str, Any]]:
        asked = exeat(gateway, "audit", "sql", "--question", "break-glass", "--json")
        rows: list[dict[str, Any]] = json.loads(asked.stdout)
        return [row for row in rows if row["standing"] == owed["id"]]

    (row,) = eventually(told, lambda found: [bool(each["reviewed_by"]) for each in found] == [True])
    assert (row["given_by"], row["reviewed_by"]) == (["erin@bank.example"], "alice@bank.example")


def test_a_client_that_left_and_came_back_makes_no_second_card(gateway: Gateway) -> None:
    def impatient() -> httpx.Response:
        body = {"from": "GB82WEST12345698765432", "to": "DE89370400440532013000", "amount": "4.00"}
        headers = gateway.headers("ledger-agent") | {"x-exeat-justification": "pays invoice 4711"}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{gateway.url}/ledger/transfers", json=body, headers=headers, timeout=5)
        return transfer(gateway, "4.00")

    alice = Approver(gateway)
    with waiting(gateway, impatient) as future:
        (card,) = alice.expect(future)
        back = eventually(alice.waiting, lambda found: [len(each.exchanges) for each in found] == [2])
        assert [each.id for each in back] == [card.id]
        alice.grant(card)
        assert future.result(30).status_code == 201
