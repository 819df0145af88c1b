"""A challenge is good for one answer, once, for two minutes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from approvals.authenticators import Authenticator
from approvals.ceremony import Ceremony
from approvals.challenges import Challenges
from approvals.errors import AskInvalid, SignatureNeeded, SignatureRefused
from approvals.facts import Narrowing, Vote, Voter
from approvals.signing import LIFE_US, Kind, Statement, packed, unpacked
from tests.kit.authenticator import ORIGIN, SoftAuthenticator
from tests.kit.signatures import Signer

VOTE = Vote(Voter("people", "alice", "alice@bank.example", ("ledger-approvers",)), "a" * 64, "checked")
Sign = Callable[..., Vote]


@pytest.fixture
def alice() -> Signer:
    return Signer()


@pytest.fixture
def key(alice: Signer) -> Authenticator:
    return alice.register()


def test_what_was_signed_is_kept_with_what_its_challenge_is_made_of(alice: Signer, key: Authenticator) -> None:
    signed = alice.sign("a1", Kind.GRANT, VOTE, key)
    assert replace(signed, signature=None) == VOTE
    assert signed.signature is not None
    assert (signed.signature.credential, signed.signature.answer) == (key.id, "grant")
    again = Statement("a1", Kind.GRANT, VOTE, signed.signature.nonce, signed.signature.expires_us, "gateway.test")
    assert packed(again.challenge) in unpacked(signed.signature.client_data).decode()


def test_a_signature_counts_once(alice: Signer, key: Authenticator) -> None:
    response = alice.device.sign(alice.challenges.ask("a1", Kind.GRANT, VOTE, [key], 1))
    alice.challenges.signed("a1", Kind.GRANT, VOTE, response, [key], 1)
    with pytest.raises(SignatureRefused, match="signed already"):
        alice.challenges.signed("a1", Kind.GRANT, VOTE, response, [key], 1)


def test_what_came_back_wrong_has_used_its_challenge(alice: Signer, key: Authenticator) -> None:
    response = alice.device.sign(alice.challenges.ask("a1", Kind.GRANT, VOTE, [key], 1))
    with pytest.raises(SignatureRefused, match="another answer"):
        alice.challenges.signed("a2", Kind.GRANT, VOTE, response, [key], 1)
    with pytest.raises(SignatureRefused, match="signed already"):
        alice.challenges.signed("a1", Kind.GRANT, VOTE, response, [key], 1)


@pytest.mark.parametrize(
    ("approval", "kind", "vote"),
    [
        ("a2", Kind.GRANT, VOTE),
        ("a1", Kind.REFUSE, VOTE),
        ("a1", Kind.GRANT, replace(VOTE, shown_digest="b" * 64)),
        ("a1", Kind.GRANT, replace(VOTE, justification="never mind")),
        ("a1", Kind.GRANT, replace(VOTE, narrowing=Narrowing(("pci",)))),
        ("a1", Kind.GRANT, replace(VOTE, voter=Voter("people", "bob", "bob@bank.example", ()))),
    ],
)
def test_it_counts_for_no_other_answer(
    alice: Signer, key: Authenticator, approval: str, kind: Kind, vote: Vote
) -> None:
    response = alice.device.sign(alice.challenges.ask("a1", Kind.GRANT, VOTE, [key], 1))
    with pytest.raises(SignatureRefused, match="another answer"):
        alice.challenges.signed(approval, kind, vote, response, [key], 1)


def test_it_counts_for_two_minutes(alice: Signer, key: Authenticator) -> None:
    for late, counts in ((LIFE_US - 1, True), (LIFE_US, False)):
        response = alice.device.sign(alice.challenges.ask("a1", Kind.GRANT, VOTE, [key], 1))
        if counts:
            assert alice.challenges.signed("a1", Kind.GRANT, VOTE, response, [key], 1 + late).signature
        else:
            with pytest.raises(SignatureRefused, match="two minutes"):
                alice.challenges.signed("a1", Kind.GRANT, VOTE, response, [key], 1 + late)


def test_a_challenge_that_we_did_not_make(alice: Signer, key: Authenticator) -> None:
    foreign = Challenges(Ceremony(ORIGIN)).ask("a1", Kind.GRANT, VOTE, [key], 1)
    with pytest.raises(SignatureRefused, match="not known here"):
        alice.challenges.signed("a1", Kind.GRANT, VOTE, alice.device.sign(foreign), [key], 1)


def test_another_persons_authenticator(alice: Signer, key: Authenticator) -> None:
    bob = Signer("bob", SoftAuthenticator(id=b"of bob"))
    options = alice.challenges.ask("a1", Kind.GRANT, VOTE, [key], 1)
    with pytest.raises(SignatureRefused, match="Unknown credential"):
        alice.challenges.signed("a1", Kind.GRANT, VOTE, bob.device.sign(options), [key], 1)
    options = alice.challenges.ask("a1", Kind.GRANT, VOTE, [key], 1)
    pretender = SoftAuthenticator(id=alice.device.id)  # another key under the name of hers
    with pytest.raises(SignatureRefused, match="Invalid signature"):
        alice.challenges.signed("a1", Kind.GRANT, VOTE, pretender.sign(options), [key], 1)


def test_who_has_nothing_to_sign_with(alice: Signer) -> None:
    with pytest.raises(SignatureNeeded, match="register one"):
        alice.challenges.ask("a1", Kind.GRANT, VOTE, [], 1)


def test_what_was_registered_under_another_address_of_the_console(alice: Signer, key: Authenticator) -> None:
    """Its signature would name this address, and its registration that one."""
    moved = replace(key, origin="http://localhost:8801")
    with pytest.raises(SignatureNeeded, match="register one"):
        alice.challenges.ask("a1", Kind.GRANT, VOTE, [moved], 1)
    response = alice.device.sign(alice.challenges.ask("a1", Kind.GRANT, VOTE, [key], 1))
    with pytest.raises(SignatureRefused, match="Unknown credential"):
        alice.challenges.signed("a1", Kind.GRANT, VOTE, response, [moved], 1)
    assert key.id in alice.challenges.begin(alice.person, [key], 1)
    assert key.id not in alice.challenges.begin(alice.person, [moved], 1)


def test_a_registration_is_of_who_began_it_and_counts_once(alice: Signer) -> None:
    response = alice.device.register(alice.challenges.begin(alice.person, [], 1))
    with pytest.raises(SignatureRefused, match="somebody else"):
        alice.challenges.registered(Signer("bob").person, "mine", response, 1)
    response = alice.device.register(alice.challenges.begin(alice.person, [], 1))
    with pytest.raises(AskInvalid, match="name"):
        alice.challenges.registered(alice.person, " ", response, 1)
    made = alice.challenges.registered(alice.person, "mine", response, 1)
    assert (made.issuer, made.subject, made.name) == ("people", "alice", "mine")
    with pytest.raises(SignatureRefused, match="signed already"):
        alice.challenges.registered(alice.person, "mine", response, 1)


def test_an_assertion_is_no_registration(alice: Signer, key: Authenticator) -> None:
    response = alice.device.sign(alice.challenges.begin(alice.person, [], 1))
    with pytest.raises(SignatureRefused, match="not registered"):
        alice.challenges.registered(alice.person, "mine", response, 1)
    response = alice.device.sign(alice.challenges.ask("a1", Kind.GRANT, VOTE, [key], 1))
    with pytest.raises(SignatureRefused, match="not known here"):
        alice.challenges.registered(alice.person, "mine", response, 1)
