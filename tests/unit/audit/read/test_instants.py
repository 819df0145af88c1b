"""Times from words."""

import datetime

import pytest

from audit.read.instants import WrongTime, as_sql, instant

NOON = int(datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("now", NOON),
        ("30s", NOON - 30_000_000),
        ("90m", NOON - 5_400_000_000),
        ("1d", NOON - 86_400_000_000),
        ("2w", NOON - 1_209_600_000_000),
        ("2026-11-20T12:00", NOON),
        ("2026-11-20T13:00+01:00", NOON),
        ("2026-11-20T12:00:00.000001Z", NOON + 1),
        ("2026-11-20", NOON - 43_200_000_000),
    ],
)
def test_times_from_words(text: str, us: int):
    assert instant(text, NOON) == us


@pytest.mark.parametrize("text", ["yesterday", "", "5", "m", "-5m", "2026-13-01", "9999999999d"])
def test_what_is_no_time(text: str):
    with pytest.raises(WrongTime):
        instant(text, NOON)


def test_times_as_clickhouse_reads_them():
    assert as_sql(NOON + 1) == "2026-11-20 12:00:00.000001"
    assert as_sql(instant("2026-11-20T12:00:00.123457", NOON)) == "2026-11-20 12:00:00.123457"
