"""Revocations against a request. (Their own rules: tests/unit/approvals/test_revocations.py.)"""

import pytest

from approvals.revocations import By, Made, Revocation, Revocations, Scope, Traits, fold
from authz.errors import status_of
from authz.revoked import RevocationsUnknown, Revoked, check
from authz.session import Session
from identity import Identity

BOT = Identity("https://issuer", "bot", agent="runner", jti="j")
SESSION = Session("s-1", "jti")


class Copy:
    def __init__(self, *made: tuple[Scope, str], fresh: bool = True) -> None:
        self.fresh = fresh
        self._all = Revocations(
            fold([Made(1, 1, f"r-{value}", scope, value, "", "why", By("i", "c"))]) for scope, value in made
        )

    def find(self, traits: Traits) -> Revocation | None:
        return self._all.find(traits)


@pytest.mark.parametrize(
    "what", [(Scope.SUBJECT, "bot"), (Scope.AGENT, "runner"), (Scope.SESSION, "s-1"), (Scope.JTI, "j")]
)
def test_each_scope_finds_its_own(what: tuple[Scope, str]) -> None:
    with pytest.raises(Revoked) as caught:
        check(Copy(what), BOT, SESSION)
    assert (caught.value.revocation, status_of(caught.value)) == (f"r-{what[1]}", 403)


def test_others_go_on() -> None:
    check(Copy((Scope.SUBJECT, "runner"), (Scope.AGENT, "bot"), (Scope.JTI, "s-1"), (Scope.SESSION, "j")), BOT, SESSION)


def test_an_old_copy_says_nothing() -> None:
    with pytest.raises(RevocationsUnknown) as caught:
        check(Copy(fresh=False), BOT, SESSION)
    assert status_of(caught.value) == 503
