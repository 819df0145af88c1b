"""FF1 against the samples of NIST ("FF1samples.pdf", radix 10) and against itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.ff1 import FF1, LONGEST, SHORTEST

AES128 = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
AES192 = AES128 + bytes.fromhex("EF4359D8D580AA4F")
AES256 = AES192 + bytes.fromhex("7F036D6F04FC6A94")
TWEAK = bytes.fromhex("39383736353433323130")


@pytest.mark.parametrize(
    ("key", "tweak", "cipher"),
    [
        (AES128, b"", "2433477484"),  # sample 1
        (AES128, TWEAK, "6124200773"),  # sample 2
        (AES192, b"", "2830668132"),  # sample 4
        (AES192, TWEAK, "2496655549"),  # sample 5
        (AES256, b"", "6657667009"),  # sample 7
        (AES256, TWEAK, "1001623463"),  # sample 8
    ],
)
def test_nist_samples(key: bytes, tweak: bytes, cipher: str) -> None:
    assert FF1(key).encrypt("0123456789", tweak) == cipher
    assert FF1(key).decrypt(cipher, tweak) == "0123456789"


@given(st.text("0123456789", min_size=SHORTEST, max_size=LONGEST), st.binary(max_size=40))
def test_what_is_encrypted_comes_back(digits: str, tweak: bytes) -> None:
    sealed = FF1(AES256).encrypt(digits, tweak)
    assert len(sealed) == len(digits)
    assert sealed.isdigit()
    assert FF1(AES256).decrypt(sealed, tweak) == digits


@pytest.mark.parametrize("digits", ["12345", "1" * 65, "12345a", "１２３４５６", ""])
def test_other_texts_are_refused(digits: str) -> None:
    with pytest.raises(ValueError, match="6 to 64 digits"):
        FF1(AES128).encrypt(digits)
