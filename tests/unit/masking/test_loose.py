import pytest

from masking.loose import phone


@pytest.mark.parametrize("text", ["4155552671", "020 7946 0958", "+33 1 42 68 53 00"])
def test_numbers_that_a_region_knows(text: str) -> None:
    assert phone(text.encode()) == len(text)


def test_what_follows_is_cut_off() -> None:
    assert phone(b"415-555-2671 12") == len(b"415-555-2671")


@pytest.mark.parametrize("text", ["1234567", "0000000000", "12"])
def test_numbers_that_no_region_knows(text: str) -> None:
    assert phone(text.encode()) == 0
