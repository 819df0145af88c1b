"""How often one address may fail."""

import pytest

from authz.strangers import MOST, SECOND_US, Strangers, TooManyFailures, place


def fail(strangers: Strangers, times: int, address: str = "10.0.0.1", at_us: int = 0) -> None:
    for _ in range(times):
        strangers.check(address, at_us)
        strangers.failed(address, at_us)


def test_two_seconds_worth_of_failures_at_once() -> None:
    strangers = Strangers(10)
    fail(strangers, 20)
    with pytest.raises(TooManyFailures):
        strangers.check("10.0.0.1", 0)
    strangers.check("10.0.0.2", 0)


def test_they_come_back_with_time() -> None:
    strangers = Strangers(10)
    fail(strangers, 20)
    fail(strangers, 10, at_us=SECOND_US)
    with pytest.raises(TooManyFailures):
        strangers.check("10.0.0.1", SECOND_US)
    fail(strangers, 20, at_us=100 * SECOND_US)
    with pytest.raises(TooManyFailures):
        strangers.check("10.0.0.1", 100 * SECOND_US)


def test_a_clock_that_goes_back_gives_nothing_back() -> None:
    strangers = Strangers(10)
    fail(strangers, 20, at_us=SECOND_US)
    with pytest.raises(TooManyFailures):
        strangers.check("10.0.0.1", 0)


def test_being_turned_away_is_not_another_failure() -> None:
    strangers = Strangers(10)
    fail(strangers, 20)
    for _ in range(1000):
        with pytest.raises(TooManyFailures):
            strangers.check("10.0.0.1", 0)
    strangers.check("10.0.0.1", SECOND_US // 10)


def test_memory_is_bounded() -> None:
    strangers = Strangers(10)
    for number in range(MOST + 5):
        strangers.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0)
    assert len(strangers) == MOST


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("::ffff:10.0.0.1", "10.0.0.1"),
        ("", ""), ("@pipe", ""),
    ],
)  # fmt: skip
def test_places(address: str, expected: str) -> None:
    assert place(address) == expected
