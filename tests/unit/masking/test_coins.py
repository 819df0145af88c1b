import pytest
from stdnum import bitcoin

from masking import coins

GOOD = [
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
]


@pytest.mark.parametrize("address", GOOD)
def test_addresses_that_the_oracle_takes(address: str) -> None:
    assert bitcoin.is_valid(address)
    check = coins.bech32 if address.startswith("bc1") else coins.base58check
    assert check(address.encode()) == len(address)
    for at in range(4, len(address)):
        changed = address[:at] + ("q" if address[at] != "q" else "p") + address[at + 1 :]
        assert check(changed.encode()) == 0


def test_taproot_and_capitals() -> None:
    taproot = b"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
    assert coins.bech32(taproot) == len(taproot)
    assert coins.bech32(taproot.upper()) == len(taproot)
    assert coins.bech32(taproot[:-1] + b"Z") == 0
    assert coins.bech32(b"bc1b") == 0


def test_numbers_that_are_too_large() -> None:
    assert coins.base58check(b"z" * 35) == 0
