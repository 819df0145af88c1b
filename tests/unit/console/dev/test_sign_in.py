"""Pending sign-ins: each code is good once, for one client, for a while."""

import base64
import hashlib
from collections.abc import Callable

import pytest

from console.dev.sign_in import CODE_LIFETIME_S, DEVICE_LIFETIME_S, Code, GrantRefused, SignIns

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(GrantRefused) as caught:
        work()
    return caught.value.error


def test_a_device_waits_for_its_person_and_is_good_once() -> None:
    sign_ins = SignIns()
    code, device = sign_ins.start_device("exeat-cli", 0)
    assert refused(lambda: sign_ins.poll_device(code, "exeat-cli", 1)) == "authorization_pending"
    assert sign_ins.answer_device(f" {device.user_code.lower()} ", "alice", 2)
    assert refused(lambda: sign_ins.poll_device(code, "another", 3)) == "invalid_grant"
    assert sign_ins.poll_device(code, "exeat-cli", 3) == "alice"
    assert refused(lambda: sign_ins.poll_device(code, "exeat-cli", 4)) == "invalid_grant"


def test_a_device_expires_and_may_be_refused() -> None:
    sign_ins = SignIns()
    code, device = sign_ins.start_device("exeat-cli", 0)
    assert not sign_ins.answer_device(device.user_code, "alice", DEVICE_LIFETIME_S)
    assert refused(lambda: sign_ins.poll_device(code, "exeat-cli", DEVICE_LIFETIME_S)) == "expired_token"
    code, device = sign_ins.start_device("exeat-cli", 0)
    assert sign_ins.answer_device(device.user_code, "", 1)
    assert refused(lambda: sign_ins.poll_device(code, "exeat-cli", 2)) == "access_denied"
    assert not sign_ins.answer_device("NOSU-CHCO", "alice", 2)


@pytest.mark.parametrize(
    ("client", "redirect", "verifier", "now"),
    [
        ("another", "http://127.0.0.1:1/", VERIFIER, 1),
        ("exeat-console", "http://127.0.0.1:2/", VERIFIER, 1),
        ("exeat-console", "http://127.0.0.1:1/", "guess", 1),
        ("exeat-console", "http://127.0.0.1:1/", VERIFIER, CODE_LIFETIME_S),
    ],
)
def test_a_code_is_bound(client: str, redirect: str, verifier: str, now: int) -> None:
    sign_ins = SignIns()
    code = Code("exeat-console", "http://127.0.0.1:1/", CHALLENGE, "n", "carol", CODE_LIFETIME_S)
    key = sign_ins.start_code(code)
    assert refused(lambda: sign_ins.take_code(key, client, redirect, verifier, now)) == "invalid_grant"
    assert refused(lambda: sign_ins.take_code(key, "exeat-console", code.redirect_uri, VERIFIER, 1)) == "invalid_grant"
    key = sign_ins.start_code(code)
    assert sign_ins.take_code(key, "exeat-console", code.redirect_uri, VERIFIER, 1) == code
