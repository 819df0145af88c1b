"""Sign-ins on their way."""

import pytest

from console.web.sealed import MAX_SEALED, Seal
from identity import code_flow


def test_only_the_process_that_sealed_it_opens_it() -> None:
    seal, started = Seal(), code_flow.start("/approvals", 1)
    sealed = seal.close(started)
    assert seal.open(sealed) == started
    assert Seal().open(sealed) is None
    assert started.verifier not in sealed
    assert seal.close(started) != sealed


@pytest.mark.parametrize("change", ["", "x", "AAAA" * 30, "é", "A" * (MAX_SEALED + 1)])
def test_anything_else_is_nothing(change: str) -> None:
    assert Seal().open(change) is None


def test_one_changed_byte_is_seen() -> None:
    seal = Seal()
    sealed = seal.close(code_flow.start("/", 1))
    for place in range(0, len(sealed), 7):
        other = "A" if sealed[place] != "A" else "B"
        assert seal.open(sealed[:place] + other + sealed[place + 1 :]) is None


def test_an_address_of_any_length_fits_a_cookie() -> None:
    assert len(Seal().close(code_flow.start("/" + "x" * 1000, 1))) < MAX_SEALED
