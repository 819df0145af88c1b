"""Does a text read as a date that a person may have been born on?"""

import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Fixed, short texts only; the scanner's own patterns run in RE2.
_NUMBERS = re.compile(rb"[0-9]+")
_WORD = re.compile(rb"[A-Za-z]{3,9}")


def is_date(text: bytes) -> int:
    """Length of the text if it is a date between 1880 and 2099 in any usual order, else 0."""
    numbers = [int(part) for part in _NUMBERS.findall(text)]
    if len(numbers) == 1 and numbers[0] > 18_000_000:
        year, rest = divmod(numbers[0], 10_000)
        numbers = [year, *divmod(rest, 100)]
    if len(numbers) == 2:
        word = next((each for each in _WORD.findall(text) if each.lower() not in (b"the",)), b"")
        month = word[:3].decode().lower()
        good = month in _MONTHS and any(_day(day) and _year(year) for day, year in (numbers, numbers[::-1]))
        return len(text) if good else 0
    if len(numbers) != 3:
        return 0
    first, second, third = numbers
    if first > 31:
        return len(text) if _year(first) and _month(second) and _day(third) else 0
    good = (_month(first) and _day(second)) or (_day(first) and _month(second))
    return len(text) if good and (third < 100 or _year(third)) else 0


def _year(year: int) -> bool:
    return 1880 <= year <= 2099


def _month(month: int) -> bool:
    return 1 <= month <= 12


def _day(day: int) -> bool:
    return 1 <= day <= 31
