import pytest

from masking import operators
from masking.keys import Keys
from masking.operators import Rank

KEYS = Keys(b"t" * 32, b"r" * 64)
OTHER = Keys(b"T" * 32, b"R" * 64)
CARD = b"4111 1111 1111 1111"


def test_the_default_is_a_label_or_a_fixed_text() -> None:
    assert operators.replace(operators.REDACT, CARD, "card", KEYS, b"") == b"[CARD]"
    fixed = operators.Operator("redact", Rank.REDACT, "█")
    assert operators.replace(fixed, CARD, "card", KEYS, b"") == "█".encode()


@pytest.mark.parametrize(
    ("operator", "value", "want"),
    [
        (operators.LAST4, CARD, b"**** **** **** 1111"),
        (operators.FIRST6_LAST4, CARD, b"4111 11** **** 1111"),
        (operators.LAST4, b"123-45-6789", b"***-**-6789"),
        (operators.LAST4, b"1234567", b"*******"),  # four of seven would be most of it
        (operators.FIRST6_LAST4, b"4222222222222", b"*************"),
        (operators.LAST4, "4111\u202f1111\u202f1111\u202f1111".encode(), None),
    ],
)
def test_partial_keeps_separators_and_never_shows_most_of_a_value(
    operator: operators.Operator, value: bytes, want: bytes | None
) -> None:
    got = operators.replace(operator, value, "x", KEYS, b"")
    assert got == want if want is not None else got.endswith(b"1111")
    assert got.decode()
    assert sum(48 <= byte <= 57 for byte in got) <= 10


def test_tokens_join_equal_values_however_they_are_written() -> None:
    one = operators.token(CARD, "card", KEYS, b"s")
    assert one == operators.token(b"4111-1111-1111-1111", "card", KEYS, b"s")
    assert one.startswith("tok_card_")
    assert one.removeprefix("tok_card_").isalpha()
    assert operators.token(b"A@B.example", "email", KEYS, b"") == operators.token(b"a@b.EXAMPLE", "email", KEYS, b"")
    assert operators.token(b"gb82 west", "iban", KEYS, b"") == operators.token(b"GB82WEST", "iban", KEYS, b"")


def test_tokens_differ_by_entity_session_and_key() -> None:
    made = {
        operators.token(CARD, "card", KEYS, b"one"),
        operators.token(CARD, "card", KEYS, b"two"),
        operators.token(CARD, "pan", KEYS, b"one"),
        operators.token(CARD, "card", OTHER, b"one"),
    }
    assert len(made) == 4


def test_a_tweak_cannot_be_moved_into_the_value() -> None:
    assert operators.token(b"bc", "e", KEYS, b"a") != operators.token(b"c", "e", KEYS, b"ab")


def test_reversible_tokens_come_back_only_with_the_same_tweak_and_key() -> None:
    sealed = operators.seal(CARD, "us_card", KEYS, b"session")
    assert sealed == operators.seal(CARD, "us_card", KEYS, b"session")
    assert operators.unseal(sealed, KEYS, b"session") == CARD
    assert operators.unseal(sealed, KEYS, b"other") is None
    assert operators.unseal(sealed, OTHER, b"session") is None
    assert operators.unseal(sealed.replace(b"us_card", b"us_ward"), KEYS, b"session") is None
    for broken in (b"", b"rev_", b"rev_x_", b"rev_x_!!!", sealed[:-1], b"tok" + sealed[3:]):
        assert operators.unseal(broken, KEYS, b"session") is None


def test_format_keeps_the_form_of_a_number() -> None:
    sealed = operators.replace(operators.FORMAT, CARD, "card", KEYS, b"s")
    assert [byte for byte in sealed if byte == 32] == [32, 32, 32]
    assert len(sealed) == len(CARD)
    assert sealed != CARD
    assert sealed == operators.replace(operators.FORMAT, CARD, "card", KEYS, b"s")
    assert sealed != operators.replace(operators.FORMAT, CARD, "card", KEYS, b"t")
    assert operators.replace(operators.FORMAT, b"12345", "pin", KEYS, b"") == b"[PIN]"
    assert operators.replace(operators.FORMAT, b"GB82WEST12345698765432", "iban", KEYS, b"") == b"[IBAN]"


def test_strictness_orders_operators() -> None:
    order = [operators.FIRST6_LAST4, operators.LAST4, operators.FORMAT, operators.REVERSIBLE, operators.TOKEN]
    order += [operators.REDACT, operators.DROP, operators.BLOCK]
    assert [each.rank for each in order] == sorted(each.rank for each in order)
    assert [each.truncates for each in order] == [True, True, False, False, False, False, False, False]
    assert [each.tokenises for each in order] == [False, False, True, True, True, False, False, False]
    assert operators.replace(operators.DROP, CARD, "card", KEYS, b"") == b""
