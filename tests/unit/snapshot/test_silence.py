"""Where `not` would fall silent; each answer is compared with what OPA itself does when the value is missing."""

import asyncio
import json

import pytest

from snapshot.engine.process import Worker
from snapshot.silence import notes
from snapshot.syntax import Module

CASES = [
    ("not is_array(input.a)", True),
    ('not input.a in {"b"}', True),
    ('not startswith(input.a, "b")', True),
    ("not input.a > 3", True),
    ("not data.x[input.a]", True),
    ("not names[input.a]", True),
    ("not input.a in names", True),
    ("not helper(input.a)", True),
    ("not count(input.a) == 3", True),
    ("not data.x[input.a] == 3", True),
    ("not [input.a]", True),
    ('not input.a == "b"', False),
    ("not input.a", False),
    ("not input.a.b.c", False),
    ("not data.x.y", False),
    ("not small", False),
    ("not 1 in names", False),
    ("not 3 in [x | x := input.a]", False),
]
SOURCE = """package p

names := {{"b"}}

small if input.a < 3

helper(x) if x == 1

deny if {body}
"""


def examine(source: str) -> tuple[list[int], bool]:
    """The lines of the notes, and whether `deny` speaks for an empty input."""

    async def run() -> tuple[list[int], bool]:
        async with Worker.running() as worker:
            module = Module("p.rego", source, await worker.parse("p.rego", source))
            await worker.load({"p.rego": source}, {}, warm=[["p", "deny"]])
            answer = await worker.evaluate(["p", "deny"], json.dumps({"input": {}}).encode(), seconds=10)
            return [note.line for note in notes(module)], answer.json is not None

    return asyncio.run(run())


@pytest.mark.parametrize(("body", "silent"), CASES)
def test_a_note_is_made_exactly_where_opa_says_nothing(body: str, silent: bool) -> None:
    lines, speaks = examine(SOURCE.format(body=body))
    assert speaks is not silent
    assert lines == ([9] if silent else [])


def test_lines_are_right_in_a_crowd() -> None:
    source = """package p

# not here: not input.a in x
a := [x | some x in [1]; not x in input.list] if {
	not input.a == 1
	not input.b > 3
	every y in [1] {
		not y in input.list
	}
}

b := "not input.c in d" if not small
else := 2 if {
	not input.d in {1}
}

small if input.a
"""
    assert examine(source.replace("b :=", "deny :="))[0] == [4, 6, 8, 14]
