"""Validators return lengths; python-stdnum is the oracle where it knows the number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban as stdnum_iban
from stdnum import luhn as stdnum_luhn
from stdnum.us import ein as stdnum_ein
from stdnum.us import rtn as stdnum_rtn
from stdnum.us import ssn as stdnum_ssn

from masking import validators
from masking.detector import Validator
from masking.iin import IBAN_LENGTHS

DIGITS = st.text("0123456789", min_size=1, max_size=24)


@given(DIGITS)
def test_luhn_agrees_with_the_oracle(digits: str) -> None:
    assert validators.luhn(digits.encode()) == stdnum_luhn.is_valid(digits)


@given(st.text("0123456789", min_size=9, max_size=9))
def test_routing_checksum_is_the_oracle_with_prefixes(digits: str) -> None:
    prefixes = {*range(13), *range(21, 33), *range(61, 73), 80}
    want = stdnum_rtn.is_valid(digits) and int(digits[:2]) in prefixes and int(digits) > 0
    assert bool(validators.aba(digits.encode())) == want


@given(st.text("0123456789", min_size=9, max_size=9))
def test_ssn_is_as_strict_as_the_oracle_but_for_its_blacklist(digits: str) -> None:
    if stdnum_ssn.is_valid(digits):
        assert validators.us_ssn(digits.encode()) == 9
    elif digits not in stdnum_ssn._ssn_blacklist:
        assert not validators.us_ssn(digits.encode()) or digits.replace("-", "") in {
            "078051120",
            "457555462",
            "219099999",
        }


@given(st.text("0123456789", min_size=9, max_size=9))
def test_ein_takes_all_that_the_oracle_takes(digits: str) -> None:
    if stdnum_ein.is_valid(digits):
        assert validators.us_ein(digits.encode())


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=30, max_size=30))
def test_iban_with_right_check_digits_is_found_and_cut(country: str, rest: str) -> None:
    body = rest[: IBAN_LENGTHS[country] - 4]
    number = "".join(str(int(char, 36)) for char in body + country + "00")
    full = f"{country}{98 - int(number) % 97:02d}{body}"
    assert validators.iban(full.encode()) == len(full)
    assert validators.iban(full.lower().encode() + b" AND MORE") == len(full)
    spaced = " ".join(full[at : at + 4] for at in range(0, len(full), 4))
    assert validators.iban(spaced.encode() + b" 12") == len(spaced)
    wrong = full[:2] + f"{(int(full[2:4]) + 1) % 100:02d}" + full[4:]
    assert validators.iban(wrong.encode()) == 0


def test_iban_lengths_agree_with_the_oracle() -> None:
    for text in ("GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606"):
        assert stdnum_iban.is_valid(text)
        assert validators.iban(text.encode()) == len(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (b"4111111111111111", 16),
        (b"4111 1111 1111 1111 34", 19),
        (b"4111-1111-1111-1111", 19),
        (b"4111\xc2\xa01111\xc2\xa01111\xc2\xa01111\xc2\xa01", 22),
        (b"4111111111111112", 0),
        (b"411111111111111134", 0),  # no separator to cut at: the digits are one number
        (b"4444444444444444", 0),
        (b"9111111111111111", 0),
        (b"378282246310005", 15),
        (b"5555555555554444", 16),
        (b"41", 0),
    ],
)
def test_card_cuts_at_separators_longest_first(text: bytes, length: int) -> None:
    assert validators.card(text) == length


def test_cuts_name_every_place_before_a_separator() -> None:
    assert list(validators.cuts(b"12 34-5")) == [(7, b"12345"), (5, b"1234"), (2, b"12")]
    assert list(validators.cuts(b"123")) == [(3, b"123")]
    assert list(validators.cuts("1\u20092".encode())) == [(5, b"12"), (1, b"1")]


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (validators.us_itin, b"912-70-1234", b"912-93-1234"),
        (validators.us_ein, b"12-3456789", b"07-3456789"),
        (validators.uk_sort_code, b"20-00-00", b"00-00-00"),
        (validators.uk_nino, b"AB123456C", b"BG123456C"),
        (validators.bic, b"DEUTDEFF500", b"DEUTZZFF"),
        (validators.nanp, b"415-555-2671", b"411-555-2671"[:3] + b"-911-2671"),
        (validators.e164, b"+44 20 7946 0958", b"+999 1234 5678"),
        (validators.uk_phone, b"020 7946 0958", b"020 7946"),
        (validators.ipv4, b"10.0.0.1", b"10.0.0.256"),
        (validators.ipv6, b"2001:db8::1", b"::"),
        (validators.json_base64, b"eyJhbGciOiJub25lIn0", b"eyAAAAAAAAAAAAAAAAA"),
        (validators.basic, b"dXNlcjpwYXNz", b"dXNlcnBhc3M="),
        (validators.opaque(8), b"abc123def", b"abcdefghijk"),
        (validators.at_least_digits(6), b"12-34-56", b"000000"),
        (validators.licence, b"D123 4567", b"no licence"),
    ],
)
def test_lengths(check: Validator, good: bytes, bad: bytes) -> None:
    assert check(good) == len(good)
    assert check(bad) == 0


def test_parts_that_do_not_belong_are_cut() -> None:
    assert validators.ipv4(b"10.0.0.1/99") == len(b"10.0.0.1")
    assert validators.ipv4(b"10.0.0.0/8") == len(b"10.0.0.0/8")
    assert validators.ipv6(b"2001:db8::/200") == len(b"2001:db8::")
    assert validators.before_at(b"p@ss@") == 4
    assert validators.before_at(b"[URL_PASSWORD]@") == validators.password(b"tok_url_password_" + b"BCDFG" * 4) == 0
    assert validators.licence(b"D1234562 issued") == len(b"D1234562")
