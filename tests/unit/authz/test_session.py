"""Which exchanges belong together."""

from dataclasses import replace

from authz import session as module
from authz.session import IDLE_US, Session, Sessions
from identity import Identity
from runtime.clock import FixedClock

BOT = Identity("https://issuer", "bot", agent="runner")


def of(identity: Identity = BOT, header: str = "", mcp: str = "") -> Session:
    return Sessions(FixedClock()).of(identity, header, mcp)


def test_the_order_of_keys() -> None:
    whole = replace(BOT, sid="s", jti="j")
    sources = [of(whole, "h", "m"), of(whole, "", "m"), of(whole), of(replace(BOT, jti="j")), of()]
    assert [session.source for session in sources] == ["header", "mcp", "sid", "jti", "idle"]
    assert len({session.id for session in sources}) == 5


def test_the_same_key_is_the_same_session_everywhere() -> None:
    assert of(header="run-7") == of(header="run-7")


def test_nobody_speaks_himself_into_anothers_session() -> None:
    others = [replace(BOT, subject="bot2"), replace(BOT, agent="x"), replace(BOT, issuer="https://other")]
    assert all(of(other, header="run-7").id != of(header="run-7").id for other in others)


def test_no_two_lists_of_parts_give_one_id() -> None:
    assert of(Identity("i", "a1:", agent="b"), "k").id != of(Identity("i", "a", agent="1:b"), "k").id


def test_thirty_idle_minutes_end_a_session() -> None:
    clock = FixedClock()
    sessions = Sessions(clock)
    first = sessions.of(BOT, "", "")
    clock.advance(IDLE_US)
    assert sessions.of(BOT, "", "") == first
    clock.advance(IDLE_US)
    assert sessions.of(BOT, "", "") == first
    clock.advance(IDLE_US + 1)
    assert sessions.of(BOT, "", "") != first


def test_memory_is_bounded(monkeypatch: object) -> None:
    sessions = Sessions(FixedClock())
    for number in range(module.REMEMBERED + 10):
        sessions.of(replace(BOT, subject=str(number)), "", "")
    assert len(sessions._idle) == module.REMEMBERED
