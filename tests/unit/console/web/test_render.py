"""How values look on a page."""

import datetime

from console.web import render


def test_what_agents_wrote_is_text_and_placeholders_are_marked() -> None:
    shown = render.marked("<script>alert(1)</script> [CARD] \x1b[2J [not one]")
    assert "<script" not in shown
    assert "<mark>[CARD]</mark>" in shown
    assert "\\x1b[2J" in shown
    assert "<mark>[not" not in shown


def test_a_placeholder_cannot_smuggle_a_tag() -> None:
    assert "<img" not in render.marked("[A<img src=x>]") + render.marked("[CARD:<img/src=x>]")


def test_times_are_exact_when_pointed_at() -> None:
    at = datetime.datetime(2026, 11, 20, 12, 0, 1, 5, tzinfo=datetime.UTC)
    for value in (at, 1_795_176_001_000_005):
        shown = render.when(value)
        assert 'datetime="2026-11-20T12:00:01.000005Z"' in shown
        assert "12:00:01</time>" in shown
    assert render.when(None) == "–"


def test_spans() -> None:
    spans = [render.span(us) for us in (0, 1_500, 1_500_000, 300_000_000, 8_000_000_000)]
    assert spans == ["0 ms", "2 ms", "1.5 s", "5 min", "2 h 13 min"]


def test_states_are_words_with_a_tone() -> None:
    assert render.chip("deny") == '<span class="chip bad">deny</span>'
    assert render.chip("<b>") == '<span class="chip info">&lt;b&gt;</span>'


def test_cells() -> None:
    assert render.cell(["a", "b"]) == "a, b"
    assert render.cell({"a": 1}) == '{"a": 1}'
    assert render.cell(None) == ""
    assert "&lt;b&gt;" in render.cell("<b>")


def test_pretty_marks_inside_json() -> None:
    assert "<mark>[IBAN]</mark>" in render.pretty({"to": "[IBAN]"})
