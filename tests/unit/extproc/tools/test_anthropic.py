"""Messages: what the vendor's SDK reads where a call was refused."""

import json

from extproc.tools import gate_for
from tests.kit.held_tools import HELD, MORE, NO, ONE, STREAMS, TWO, through
from tests.kit.streams import read_anthropic


def test_anthropic_reads_a_sentence_in_place_of_the_only_call() -> None:
    answer = read_anthropic(through(gate_for("anthropic", HELD), STREAMS["anthropic"](*ONE), NO))
    assert [(block.type, block.text) for block in answer.content] == [("text", "Let me see."), ("text", NO)]
    assert answer.stop_reason == "end_turn"


def test_anthropic_still_wants_the_other_call_answered() -> None:
    answer = read_anthropic(through(gate_for("anthropic", HELD), STREAMS["anthropic"](*TWO), NO))
    assert [block.type for block in answer.content] == ["text", "text", "tool_use"]
    assert answer.content[2].input == json.loads(MORE)
    assert answer.stop_reason == "tool_use"
