"""What is refused of a browser's answer, and the kinds of keys that are taken."""

import contextlib
import json
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import load_der_public_key

from approvals.authenticators import Authenticator
from approvals.ceremony import MAX_RESPONSE, Ceremony, challenge_in
from approvals.errors import SignatureRefused
from approvals.signing import packed, unpacked
from tests.kit.authenticator import ORIGIN, UP, UV, SoftAuthenticator

CHALLENGE = b"c" * 32
WHO = {"issuer": "people", "subject": "alice", "email": "alice@bank.example", "name": "mine"}


@pytest.fixture
def ceremony() -> Ceremony:
    return Ceremony(ORIGIN)


def register(ceremony: Ceremony, device: SoftAuthenticator) -> Authenticator:
    options = ceremony.creation(CHALLENGE, "people", "alice", "alice@bank.example", [])
    return ceremony.registered(CHALLENGE, device.register(options), **WHO, at_us=7)


def keys() -> list[Any]:
    return [
        pytest.param({}, -7, id="ES256"),
        pytest.param({"key": Ed25519PrivateKey.generate()}, -8, id="EdDSA"),
        pytest.param({"key": generate_private_key(65537, 2048)}, -257, id="RS256"),
    ]


@pytest.mark.parametrize(("fields", "algorithm"), keys())
def test_a_key_is_registered_and_signs(ceremony: Ceremony, fields: dict[str, Any], algorithm: int) -> None:
    device = SoftAuthenticator(**fields)
    made = register(ceremony, device)
    assert (made.algorithm, made.rp_id, made.origin, made.count) == (algorithm, "localhost", ORIGIN, 1)
    assert load_der_public_key(unpacked(made.key)) == device.key.public_key()
    found = ceremony.asserted(CHALLENGE, device.sign(ceremony.request(CHALLENGE, [made])), [made])
    assert found.credential == made.id


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"origin": "https://localhost:8800"}, "Invalid origin"),
        ({"origin": "http://localhost:8801"}, "Invalid origin"),
        ({"rp_id": "bank.example"}, "Wrong RP ID"),
        ({"flags": UP}, "User verification"),
        ({"flags": UV}, "User Present"),
        ({"extra": {"type": "webauthn.create"}}, "Incorrect type"),
        ({"extra": {"crossOrigin": True}}, "frame"),
        ({"extra": {"challenge": "AAAA"}}, "Wrong challenge"),
        ({"extra": {"long": "x" * 2048}}, "too long"),
        ({"key": Ed25519PrivateKey.generate()}, "not"),
    ],
)
def test_what_is_not_as_it_must_be(ceremony: Ceremony, changed: dict[str, Any], why: str) -> None:
    device = SoftAuthenticator()
    made = register(ceremony, device)
    for name, value in changed.items():
        setattr(device, name, value)
    with pytest.raises(SignatureRefused, match=why):
        ceremony.asserted(CHALLENGE, device.sign(ceremony.request(CHALLENGE, [made])), [made])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"origin": "https://evil.example"}, "Invalid origin"),
        ({"flags": UP}, "User verification"),
        ({"rp_id": "evil.example"}, "Wrong RP ID"),
        ({"extra": {"crossOrigin": True}}, "frame"),
    ],
)
def test_a_registration_that_is_not_as_it_must_be(ceremony: Ceremony, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(SignatureRefused, match=why):
        register(ceremony, SoftAuthenticator(**changed))


@pytest.mark.parametrize(
    "response",
    ["", "{}", "[]", "null", "\ud800", "x" * (MAX_RESPONSE + 1), '{"response":{"clientDataJSON":"e30"}}',
     '{"response":{"clientDataJSON":"!"}}', '{"rawId":"AA","rawId":"AA"}', "[" * 50],
)  # fmt: skip
def test_garbage_is_refused_in_a_sentence(ceremony: Ceremony, response: str) -> None:
    with pytest.raises(SignatureRefused):
        challenge_in(response)
    with pytest.raises(SignatureRefused, match="not accepted"):
        ceremony.asserted(CHALLENGE, response, [])
    with pytest.raises(SignatureRefused, match="not registered"):
        ceremony.registered(CHALLENGE, response, **WHO, at_us=7)


def test_no_bytes_of_a_stranger_are_more_than_refused(ceremony: Ceremony) -> None:
    """What a library's parsers raise at changed bytes is not known beforehand: all of it is a refusal."""
    dice, device = random.Random(7), SoftAuthenticator()
    made = register(ceremony, device)
    created = device.register(ceremony.creation(CHALLENGE, "people", "alice", "alice@bank.example", []))
    signed = device.sign(ceremony.request(CHALLENGE, [made]))
    for _ in range(400):
        with contextlib.suppress(SignatureRefused):
            ceremony.registered(CHALLENGE, changed_by(dice, created, "attestationObject"), **WHO, at_us=7)
        with contextlib.suppress(SignatureRefused):
            ceremony.asserted(CHALLENGE, changed_by(dice, signed, "authenticatorData"), [made])
    deep = json.loads(created)
    deep["response"]["attestationObject"] = packed(b"\x81" * 9000)
    with pytest.raises(SignatureRefused, match="not registered"):
        ceremony.registered(CHALLENGE, json.dumps(deep), **WHO, at_us=7)


def changed_by(dice: random.Random, response: str, part: str) -> str:
    said = json.loads(response)
    data = bytearray(unpacked(said["response"][part]))
    for _ in range(dice.randrange(1, 4)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    said["response"][part] = packed(bytes(data[: dice.choice([len(data), dice.randrange(len(data))])]))
    return json.dumps(said)
