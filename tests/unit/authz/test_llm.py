"""The parts of a description that cases do not reach. (The cases: test_action.py, cases/*.yaml.)"""

from typing import Any

import pytest

from authz.errors import BodyMalformed
from authz.llm import IMAGE_TOKENS, MAX_TOOLS, Survey, anthropic_messages, openai_chat, survey


def test_a_survey_walks_everything() -> None:
    deep: Any = "text"
    for _ in range(5000):
        deep = [deep]
    assert survey(deep, None, 1, {"a": {"b": "1234"}}) == Survey(characters=8)


def test_tokens_are_rounded_up() -> None:
    assert [Survey(characters=count).tokens for count in (0, 1, 4, 5)] == [0, 1, 1, 2]
    assert Survey(images=2).tokens == 2 * IMAGE_TOKENS


def test_a_type_that_is_no_text_is_no_image() -> None:
    assert survey({"type": ["image"], "text": "1234"}).characters == len("image") + 4


def test_the_number_of_tools_is_bounded() -> None:
    tools = [{"name": "t"}] * (MAX_TOOLS + 1)
    with pytest.raises(BodyMalformed):
        anthropic_messages({"model": "m", "tools": tools})


@pytest.mark.parametrize("value", [-1, 1 << 53, 1.0, "1", [1]])
def test_numbers_are_whole_and_exact(value: object) -> None:
    with pytest.raises(BodyMalformed):
        openai_chat({"model": "m", "max_tokens": value, "messages": []})


def test_messages_may_be_many() -> None:
    found = openai_chat({"model": "m", "messages": [{"role": "user", "content": "1234"}] * 5000})
    assert found["prompt_tokens_estimate"] == 5000 * 2
