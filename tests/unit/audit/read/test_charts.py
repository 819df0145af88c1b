"""Charts are SVG text."""

import xml.etree.ElementTree as ElementTree

from audit.read.charts import bars, stacked


def shapes(svg: str) -> list[ElementTree.Element]:
    tree = ElementTree.fromstring(f"<x>{svg}</x>")
    return [element for element in tree.iter() if element.tag == "rect"]


def test_one_part_per_day_and_effect_stacked_to_the_top():
    svg = stacked(["d1", "d2"], {"allow": [3, 0], "deny": [1, 2]}, "t")
    parts = shapes(svg)
    assert len(parts) == 3
    allow, deny = parts[0].attrib, parts[1].attrib
    assert float(deny["y"]) + float(deny["height"]) == float(allow["y"])
    assert "allow 3" in svg
    assert "deny 3" in svg


def test_nothing_draws_nothing():
    assert stacked([], {}, "t") == stacked(["d"], {"allow": [0]}, "t") == bars([], "t") == bars([("a", 0)], "t") == ""


def test_the_largest_first_and_what_is_left_out_is_said():
    svg = bars([(f"r{n}", n) for n in range(1, 21)], "t", most=15)
    assert len(shapes(svg)) == 15
    assert svg.index("r20") < svg.index("r19")
    assert "5 more" in svg


def test_recorded_text_is_text():
    svg = bars([("<script>alert(1)</script>", 1)], '"><b>') + stacked(["<d>"], {"<s>": [1]}, "t")
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "<d>" not in svg


def test_series_without_a_colour_of_their_own_can_be_told_apart():
    svg = stacked(["d"], {"card": [1], "iban": [1], "deny": [1]}, "t")
    assert len({shape.attrib["fill"] for shape in shapes(svg)}) == 3
