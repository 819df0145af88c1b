"""ClickHouse's errors, taken apart and put together."""

import pytest

from audit.store.faults import Fault, access_denied, authentication_failed, from_engine


@pytest.mark.parametrize(
    ("message", "code", "name", "status"),
    [
        ("Code: 60. DB::Exception: Unknown table expression identifier 'x'. (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE", 404),
        ("Failed: Code: 62. DB::Exception: Syntax error:\n more (line 1).  (SYNTAX_ERROR)\n", 62, "SYNTAX_ERROR", 400),
        ("Code: 159. DB::Exception: Timeout (x). (TIMEOUT_EXCEEDED)", 159, "TIMEOUT_EXCEEDED", 408),
        ("Code: 241. DB::Exception: memory", 241, "UNKNOWN_EXCEPTION", 500),
        ("something else", 1002, "UNKNOWN_EXCEPTION", 500),
        ("", 1002, "UNKNOWN_EXCEPTION", 500),
    ],
)
def test_the_engines_messages(message: str, code: int, name: str, status: int):
    fault = from_engine(message)
    assert (fault.code, fault.name, fault.status) == (code, name, status)


def test_the_body_is_what_clients_read():
    body = access_denied("no.").body("26.9.2.1")
    assert body == "Code: 497. DB::Exception: no. (ACCESS_DENIED) (version 26.9.2.1 (official build))\n"
    assert from_engine(body.partition(" (version")[0]).code == 497


def test_wrong_name_and_wrong_password_sound_the_same():
    assert str(authentication_failed("a")).replace("a:", "b:", 1) == str(authentication_failed("b"))
    assert authentication_failed("a").status == 403


def test_a_fault_can_be_raised_through_context_managers():
    with pytest.raises(Fault) as raised:
        raise Fault(1, "X", "y")
    assert raised.value.__traceback__ is not None
