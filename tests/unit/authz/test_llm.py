"""The parts of a description that cases do not reach. (The cases: test_action.py, cases/*.yaml.)"""

import hashlib
from typing import Any

import pytest

from authz.errors import BodyMalformed
from authz.llm.anthropic import messages
from authz.llm.openai import chat
from authz.llm.words import IMAGE_TOKENS, MAX_TOOLS, Survey, Tool, digest, survey, system_digest, texts, tool_digests


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
        messages({"model": "m", "tools": tools})


@pytest.mark.parametrize("value", [-1, 1 << 53, 1.0, "1", [1]])
def test_numbers_are_whole_and_exact(value: object) -> None:
    with pytest.raises(BodyMalformed):
        chat({"model": "m", "max_tokens": value, "messages": []})


def test_messages_may_be_many() -> None:
    found = chat({"model": "m", "messages": [{"role": "user", "content": "1234"}] * 5000})
    assert found["prompt_tokens_estimate"] == 5000 * 2


def test_the_digest_of_a_system_prompt_is_that_of_its_text() -> None:
    want = hashlib.sha256(b"Be brief.").hexdigest()
    assert system_digest(texts("Be brief.")) == want
    assert system_digest(texts([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}])) == want
    assert system_digest(texts([{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}])) != want
    assert system_digest(texts(None)) == ""
    body = {"model": "m", "max_tokens": 1, "messages": [], "system": "Be brief."}
    assert messages(body)["system_digest"] == want
    said = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "x"}]
    assert chat({"model": "m", "messages": said})["system_digest"] == want


def test_the_digest_of_a_tool_is_that_of_its_sorted_json() -> None:
    tool = {"name": "a", "input_schema": {"type": "object", "properties": {}}}
    other = {"input_schema": {"properties": {}, "type": "object"}, "name": "a"}
    assert tool_digests([Tool("a", tool)]) == tool_digests([Tool("a", other)]) == {"a": digest(tool)}
    assert tool_digests([Tool("a", {**tool, "description": "x"})]) != {"a": digest(tool)}
    assert tool_digests([Tool("a", tool), Tool("a", other)]) == {"a": digest([tool, tool])}


def test_tokens_instead_of_text_are_counted_as_what_they_are() -> None:
    assert survey([[1, 2], [3]], numbers=True).numbers == 3
    assert survey([[1, 2], [3]]).numbers == 0
    assert survey([True], numbers=True).numbers == 0
