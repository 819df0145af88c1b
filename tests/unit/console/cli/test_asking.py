"""Times from words, rows as a table."""

import datetime

import click
import pytest
from click.testing import CliRunner

from console.cli.asking import WrongTime, cell, clean, instant, narrowed, narrowing, show_json, show_table

NOON = int(datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        (None, None),
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
def test_times_from_words(text: str | None, us: int | None):
    assert instant(text, NOON) == us


@pytest.mark.parametrize("text", ["yesterday", "", "5", "m", "-5m", "2026-13-01", "9999999999d"])
def test_what_is_no_time(text: str):
    with pytest.raises(WrongTime):
        instant(text, NOON)


def test_recorded_text_cannot_move_the_cursor():
    assert clean("a\x1b[2Jb\r\x07é\n\tc") == "a\\x1b[2Jb\\x0d\\x07é\n\tc"
    assert cell("a\nb") == "a b"
    assert cell(["x", 1]) == "x, 1"
    assert cell(datetime.datetime(2026, 1, 2, 3, 4, 5, 678_901, datetime.UTC)) == "2026-01-02 03:04:05.678"


def test_a_table_is_as_wide_as_its_cells(capsys: pytest.CaptureFixture[str]):
    show_table([{"a": "long value", "b": 1}, {"a": "", "b": ""}], ("a", "b"), "nothing")
    show_table([], ("a",), "nothing")
    assert capsys.readouterr().out == "A           B\nlong value  1\n\nnothing\n"


def test_json_is_whole_and_readable(capsys: pytest.CaptureFixture[str]):
    show_json([{"b": b"\x01", "é": 2**60}])
    assert capsys.readouterr().out == '[\n  {\n    "b": "01",\n    "é": 1152921504606846976\n  }\n]\n'


def test_lists_share_their_options():
    seen = []

    @click.command()
    @narrowing
    def command(since: str | None, until: str | None, limit: int, as_json: bool, **fields: str) -> None:
        seen.append((narrowed(since, until, **fields), limit, as_json))

    result = CliRunner().invoke(command, ["--since", "2026-11-20", "--agent", "a", "--limit", "3", "--json"])
    assert result.exit_code == 0, result.output
    which, limit, as_json = seen[0]
    assert (which.agent, which.subject, which.until_us, limit, as_json) == ("a", "", None, 3, True)
