"""Rows as a table, the options that lists share."""

import datetime

import click
import pytest
from click.testing import CliRunner

from console.cli.asking import narrowed, narrowing, show_json, show_table
from console.words import cell, clean


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
