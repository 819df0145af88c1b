"""Browser sessions over time."""

from console.web.sessions import MINUTE_US, MOST, Sessions
from identity import Identity, SignedIn
from runtime.clock import FixedClock


def signed_in(subject: str = "alice") -> SignedIn:
    return SignedIn(Identity("https://people.example", subject), f"token of {subject}", "", "/")


def made() -> tuple[Sessions, FixedClock]:
    clock = FixedClock()
    return Sessions(clock, idle_minutes=30, hours=2), clock


def test_a_cookie_finds_its_session_and_no_other() -> None:
    sessions, _ = made()
    alice, bob = sessions.open(signed_in()), sessions.open(signed_in("bob"))
    found = sessions.find(alice)
    assert found is not None
    assert (found.identity.subject, found.token) == ("alice", "token of alice")
    other = sessions.find(bob)
    assert other is not None
    assert other.csrf != found.csrf
    for wrong in ("", alice[:-1], alice.upper(), "\ud800"):
        assert sessions.find(wrong) is None


def test_idle_and_old_sessions_end() -> None:
    sessions, clock = made()
    cookie = sessions.open(signed_in())
    for _ in range(4):
        clock.advance(29 * MINUTE_US)
        assert sessions.find(cookie) is not None
    clock.advance(4 * MINUTE_US)
    assert sessions.find(cookie) is None, "two hours are over, though it was never idle"
    cookie = sessions.open(signed_in())
    clock.advance(30 * MINUTE_US)
    assert sessions.find(cookie) is None


def test_signing_out_ends_it() -> None:
    sessions, _ = made()
    cookie = sessions.open(signed_in())
    sessions.close(cookie)
    sessions.close("never there")
    assert sessions.find(cookie) is None


def test_the_one_silent_for_longest_gives_way() -> None:
    sessions, _ = made()
    first, second = sessions.open(signed_in()), sessions.open(signed_in())
    sessions.find(first)
    for _ in range(MOST - 1):
        sessions.open(signed_in())
    assert len(sessions) == MOST
    assert sessions.find(second) is None
    assert sessions.find(first) is not None
