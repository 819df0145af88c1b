"""One value for all that is counted."""

from usage.amounts import MOST, NAMES, SHOWN, Amounts


def test_sums() -> None:
    one = Amounts(requests=1, input_tokens=10, output_tokens=5, rows=3)
    assert one + one - one == one
    assert one - one == Amounts()
    assert not (one - one)
    assert one


def test_policies_see_no_number_below_zero_and_the_sum_of_tokens() -> None:
    shown = Amounts(input_tokens=10, output_tokens=5, rows=-1).to_input()
    assert shown["tokens"] == 15
    assert shown["rows"] == 0
    assert set(shown) == {*NAMES, "tokens"}


def test_one_exchange_is_bounded_and_so_is_what_is_shown() -> None:
    large = Amounts(requests=1, output_tokens=1 << 106, rows=MOST + 1)
    assert large.bounded() == Amounts(requests=1, output_tokens=MOST, rows=MOST)
    assert Amounts(rows=MOST).bounded() == Amounts(rows=MOST)
    shown = Amounts(input_tokens=SHOWN, output_tokens=SHOWN).to_input()
    assert (shown["input_tokens"], shown["tokens"]) == (SHOWN, SHOWN)
