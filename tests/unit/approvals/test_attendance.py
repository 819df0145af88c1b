"""Who is there, and until when the others are expected."""

from dataclasses import replace

from approvals.attendance import ATTEND_US, Attendance
from approvals.facts import Card
from approvals.machine import Approval, Phase, fold, request
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import ask

SEAT = ("a1", "exchange-1")


def approval(**terms: str) -> Approval:
    found = ask(terms=ApprovalTerms(any=("a",), **terms))  # type: ignore[arg-type]
    return fold([request("a1", Card.of(found), 0)])


def test_who_does_not_come_has_left() -> None:
    attendance = Attendance()
    attendance.expect(approval(), 5)
    attendance.expect(approval(), 99)  # being expected again prolongs nothing
    assert attendance.next() == 5 + ATTEND_US
    assert attendance.pop_left(4 + ATTEND_US, 10) == []
    assert attendance.pop_left(5 + ATTEND_US, 10) == [SEAT]


def test_who_is_there_is_not_expected_until_the_last_stream_ends() -> None:
    attendance = Attendance()
    attendance.expect(approval(), 0)
    attendance.come(SEAT)
    attendance.come(SEAT)
    attendance.expect(approval(), 1)
    assert attendance.next() is None
    attendance.go(SEAT)
    attendance.expect(approval(), 2)
    assert attendance.next() is None
    attendance.go(SEAT)
    attendance.expect(approval(), 3)
    assert attendance.next() == 3 + ATTEND_US


def test_nobody_is_expected_where_nobody_waits() -> None:
    attendance = Attendance()
    for found in (
        approval(wait="respond"),
        replace(approval(), phase=Phase.REFUSED),
        replace(approval(), waiting=()),
    ):
        attendance.expect(approval(), 0)
        attendance.expect(found, 1)
        assert attendance.next() is None


def test_a_leaving_that_could_not_be_recorded_comes_again() -> None:
    attendance = Attendance()
    attendance.expect(approval(), 0)
    left = attendance.pop_left(ATTEND_US, 10)
    attendance.again(left, ATTEND_US + 7)
    assert attendance.pop_left(ATTEND_US + 7, 10) == [SEAT]


def test_who_waits_at_another_gateway_is_expected_there() -> None:
    attendance = Attendance()
    attendance.at(SEAT, "b")
    attendance.expect(approval(), 0)
    assert attendance.next() is None
    assert attendance.pop_with({"c"}) == []
    assert attendance.pop_with({"b", "c"}) == [SEAT], "nobody else can say that it left"
    attendance.at(SEAT, "b")
    attendance.at(SEAT, "")
    attendance.expect(approval(), 0)
    assert attendance.next() == ATTEND_US, "it came to us meanwhile"
