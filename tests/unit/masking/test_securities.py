from hypothesis import given
from hypothesis import strategies as st
from stdnum import cusip as stdnum_cusip
from stdnum import isin as stdnum_isin
from stdnum import lei as stdnum_lei
from stdnum.gb import sedol as stdnum_sedol

from masking import securities

ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@given(st.text(ALNUM, min_size=8, max_size=8), st.sampled_from("0123456789"))
def test_cusip_agrees_with_the_oracle(body: str, check: str) -> None:
    assert bool(securities.cusip((body + check).encode())) == stdnum_cusip.is_valid(body + check)


@given(st.sampled_from(["US", "DE", "XS", "GB"]), st.text(ALNUM, min_size=9, max_size=9), st.sampled_from("0123456789"))
def test_isin_agrees_with_the_oracle(country: str, body: str, check: str) -> None:
    assert bool(securities.isin((country + body + check).encode())) == stdnum_isin.is_valid(country + body + check)


@given(st.text("0123456789BCDFGHJKLMNPQRSTVWXYZ", min_size=6, max_size=6), st.sampled_from("0123456789"))
def test_sedol_takes_all_that_the_oracle_takes(body: str, check: str) -> None:
    if stdnum_sedol.is_valid(body + check):
        assert securities.sedol((body + check).encode()) == 7


@given(st.text(ALNUM, min_size=18, max_size=18), st.text("0123456789", min_size=2, max_size=2))
def test_lei_agrees_with_the_oracle(body: str, check: str) -> None:
    if not (body + check).isdigit():
        assert bool(securities.lei((body + check).encode())) == stdnum_lei.is_valid(body + check)


def test_known_numbers() -> None:
    assert securities.isin(b"US0378331005") == 12
    assert securities.isin(b"US0378331006") == 0
    assert securities.isin(b"ZZ0378331005") == 0
    assert securities.cusip(b"037833100") == 9
    assert securities.sedol(b"0263494") == 7
    assert securities.lei(b"5493001KJTIIGC8Y1R12") == 20
