"""Whose answer counts, and who is let in."""

from dataclasses import dataclass
from typing import Any

import pytest

from approvals.errors import NotAllowed, SignInNeeded
from approvals.facts import Card, Voter
from approvals.people import Door, may_see, voter
from console.dev.keyring import KeyRing
from identity import Identity, TokenRefused
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask

NOW_S = 1_700_000_000


def identity(**changed: Any) -> Identity:
    fields = {"issuer": "https://people.example", "subject": "alice", "email": "alice@bank.example"}
    return Identity(**{**fields, "groups": ("ledger-approvers", "staff"), "auth_time": NOW_S - 60, **changed})


def card(**changed: Any) -> Card:
    return Card.of(ask(**changed))


def counts(person: Identity, of: Card | None = None, max_s: int | None = 900) -> Voter:
    return voter(person, of or card(), now_us=NOW_S * 1_000_000, auth_time_max_s=max_s)


def test_an_approver_counts_with_the_groups_that_matter() -> None:
    assert counts(identity()) == Voter("https://people.example", "alice", "alice@bank.example", ("ledger-approvers",))


@pytest.mark.parametrize("groups", [(), ("staff",), ("Ledger-Approvers",)])
def test_others_do_not(groups: tuple[str, ...]) -> None:
    with pytest.raises(NotAllowed, match="ledger-approvers"):
        counts(identity(groups=groups))


@pytest.mark.parametrize(
    ("person", "of"),
    [
        ({"email": "dave@bank.example"}, {"owner": "dave@bank.example"}),
        ({"email": " Dave@Bank.example "}, {"owner": "dave@bank.example"}),
        ({"subject": "dave"}, {"owner": "dave"}),
        ({"subject": "agent-7"}, {"subject": "agent-7"}),
        ({"email": "requester@bank.example"}, {"email": "requester@bank.example"}),
        ({"email": "requester@bank.example"}, {"subject": "requester@bank.example"}),
        ({"subject": "dave", "issuer": "https://another.example"}, {"owner": "dave"}),
    ],
)
def test_requester_and_owner_never_count(person: dict[str, str], of: dict[str, str]) -> None:
    with pytest.raises(NotAllowed, match="your own"):
        counts(identity(**person), card(**of))


def test_without_an_e_mail_address_one_may_be_the_owner() -> None:
    with pytest.raises(NotAllowed, match="no e-mail"):
        counts(identity(email=""), card(owner="dave@bank.example"))
    assert counts(identity(email=""), card(owner="dave")).email == ""


def test_an_unknown_owner_is_nobody() -> None:
    assert counts(identity(email=""), card(owner="")).subject == "alice"


@pytest.mark.parametrize(
    ("auth_time", "says"),
    [(None, "auth_time"), (NOW_S - 901, "more than 15 minutes"), (NOW_S + 61, "clocks differ")],
)
def test_to_grant_one_must_have_signed_in_recently(auth_time: int | None, says: str) -> None:
    with pytest.raises(SignInNeeded, match=says):
        counts(identity(auth_time=auth_time))
    assert counts(identity(auth_time=auth_time), max_s=None), "refusing needs no fresh sign-in"


@pytest.mark.parametrize("auth_time", [NOW_S - 900, NOW_S, NOW_S + 60])
def test_the_bounds_of_recently(auth_time: int) -> None:
    assert counts(identity(auth_time=auth_time))


def test_who_sees_what() -> None:
    of = card(terms=ApprovalTerms(any=("a",), all=("b",)))
    assert may_see(identity(groups=("a",)), of, ())
    assert may_see(identity(groups=("b",)), of, ())
    assert may_see(identity(groups=(), email="dave@bank.example"), of, ()), "whom the agent acts for"
    assert may_see(identity(groups=("auditors",)), of, ("auditors",))
    assert not may_see(identity(groups=("auditors",)), of, ())
    assert not may_see(identity(groups=(), email=""), card(owner=""), ())


@dataclass
class ScriptedVerifier:
    answer: Identity | Exception

    async def verify(self, token: str) -> Identity:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def token(audience: Any) -> str:
    return KeyRing(algorithm="ES256").sign({"iss": "https://people.example", "aud": audience})


async def test_the_door_lets_people_in() -> None:
    door = Door(ScriptedVerifier(identity()), ["exeat"])
    for scheme in ("Bearer", "bearer"):
        assert await door.person(f"{scheme} {token('exeat-people')}") == identity()


@pytest.mark.parametrize("said", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token x"])
async def test_the_door_wants_a_bearer_token(said: str | None) -> None:
    with pytest.raises(SignInNeeded):
        await Door(ScriptedVerifier(identity()), ["exeat"]).person(said)


async def test_a_token_for_both_doors_opens_neither() -> None:
    door = Door(ScriptedVerifier(identity()), ["exeat"])
    with pytest.raises(SignInNeeded, match="data path"):
        await door.person(f"Bearer {token(['exeat-people', 'exeat'])}")


async def test_refused_tokens_and_nobody_to_verify() -> None:
    with pytest.raises(SignInNeeded, match="not accepted"):
        await Door(ScriptedVerifier(TokenRefused("The token has expired.")), []).person(f"Bearer {token('x')}")
    with pytest.raises(SignInNeeded, match=r"people\.issuer"):
        await Door(None, []).person(f"Bearer {token('x')}")


def test_duties_that_the_policy_keeps_apart() -> None:
    kept_apart = card(terms=ApprovalTerms(any=("ledger-approvers",), never=("exeat-admins",)))
    assert counts(identity(), kept_apart)
    with pytest.raises(NotAllowed, match="exeat-admins does not answer"):
        counts(identity(groups=("ledger-approvers", "exeat-admins")), kept_apart)
