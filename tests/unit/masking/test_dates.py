import pytest

from masking.dates import is_date


@pytest.mark.parametrize(
    "text",
    ["1987-03-04", "04/03/1987", "3/4/87", "04.03.87", "March 4, 1987", "4th of March 1987", "19870304", "1987/12/31"],
)
def test_dates(text: str) -> None:
    assert is_date(text.encode()) == len(text)


@pytest.mark.parametrize(
    "text", ["1987-13-01", "1787-01-01", "32/13/1987", "Mayhem 4, 2500", "99999999", "12 1987", ""]
)
def test_no_dates(text: str) -> None:
    assert is_date(text.encode()) == 0
