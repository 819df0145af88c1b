"""Streams: however the deltas are cut, what an SDK adds up equals the masked whole; and never a secret on the way."""

import itertools
import json
import random
from typing import Any

import pytest

from tests.kit import masked_bodies as kit
from tests.kit.streams import read_anthropic, read_chat, read_responses

SSE = "text/event-stream"
TEXTS = (
    "Pay 4111 1111 1111 1111 now",
    "ssn 123-45-6789, iban DE89 3704 0044 0532 0130 00.",
    "mail jane.doe@example.com — größer ☃ 𝄞 ok",
    "nothing to see here",
    kit.GITHUB,
    '{"password": "hunter2", "n": [4111111111111111]} then routing number: 021000021',
)
ARGUMENTS = (
    '{"card":"4111 1111 1111 1111","pin":1234,"list":["a",{"my_secret":"x\\ny"}]}',
    '{"q":"\\u0034111111111111111","n":4111111111111111,"gone":{"a":[1,2]},"s":"caf\\u00e9"}',
    "{}",
    '{"a":"b"',
)


def masked_json(body: Any) -> Any:
    """What a whole JSON answer becomes."""
    return json.loads(kit.whole("application/json", json.dumps(body).encode()))


def masked_text(text: str) -> str:
    masked: str = masked_json({"text": text})["text"]
    return masked


def masked_arguments(text: str) -> str:
    masked: str = masked_json({"arguments": text})["arguments"]
    return masked


def deltas(text: str) -> list[list[str]]:
    """Every one cut, single characters, and strides."""
    cuts = [[text[:at], text[at:]] for at in range(1, len(text))]
    return [*cuts, *(kit.parts(text, size) for size in (1, 2, 3, 5, 7, 16, 1000))]


def clean(stream: bytes) -> None:
    """No secret of the texts stands in any event."""
    for secret in kit.SECRETS:
        assert secret.encode() not in stream


@pytest.mark.parametrize("text", TEXTS)
def test_anthropic_text_adds_up_to_the_masked_whole(text: str) -> None:
    for pieces in deltas(text):
        out = kit.whole(SSE, b"".join(kit.anthropic_stream(("text", pieces))))
        events = kit.data_of(out)
        said = "".join(e["delta"]["text"] for e in events if e["type"] == "content_block_delta")
        assert said == masked_text(text), pieces
        clean(out)


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_anthropic_tool_input_adds_up_to_the_masked_whole(arguments: str) -> None:
    for pieces in deltas(arguments):
        out = kit.whole(SSE, b"".join(kit.anthropic_stream(("tool", pieces))))
        said = "".join(e["delta"]["partial_json"] for e in kit.data_of(out) if e["type"] == "content_block_delta")
        if arguments.endswith("}"):
            assert json.loads(said) == masked_json({"input": json.loads(arguments)})["input"]
        clean(out)


@pytest.mark.parametrize("pieces", [2, 3, 11])
def test_the_anthropic_sdk_reads_the_masked_whole(pieces: int) -> None:
    blocks = [("text", kit.parts(TEXTS[0], pieces)), ("tool", kit.parts(ARGUMENTS[0], pieces))]
    out = kit.whole(SSE, b"".join(kit.anthropic_stream(*blocks, ("text", kit.parts(TEXTS[5], pieces)))))
    message = read_anthropic(out)
    assert [block.type for block in message.content] == ["text", "tool_use", "text"]
    assert message.content[0].text == masked_text(TEXTS[0])
    assert message.content[1].input == masked_json({"input": json.loads(ARGUMENTS[0])})["input"]
    assert message.content[2].text == masked_text(TEXTS[5])
    assert message.usage.output_tokens == 9


@pytest.mark.parametrize("text", TEXTS)
def test_chat_adds_up_to_the_masked_whole(text: str) -> None:
    arguments = ARGUMENTS[len(text) % 2]
    for pieces in deltas(text):
        out = kit.whole(SSE, b"".join(kit.chat_stream(pieces, kit.parts(arguments, len(pieces[0])), logprobs=True)))
        choices = [choice for e in kit.data_of(out) for choice in e["choices"]]
        assert "".join(c["delta"].get("content") or "" for c in choices) == masked_text(text)
        calls = [call for c in choices for call in c["delta"].get("tool_calls", [])]
        assert "".join(call["function"].get("arguments", "") for call in calls) == masked_arguments(arguments)
        tokens = [t["token"] for c in choices if c.get("logprobs") for t in c["logprobs"]["content"]]
        assert all(token in masked_text(text) for token in tokens)
        clean(out)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_the_openai_sdk_reads_the_masked_chat(size: int) -> None:
    stream = kit.chat_stream(kit.parts(TEXTS[1], size), kit.parts(ARGUMENTS[1], size), logprobs=True)
    completion = read_chat(kit.whole(SSE, b"".join(stream)))
    message = completion.choices[0].message
    assert message.content == masked_text(TEXTS[1])
    assert message.tool_calls[0].function.arguments == masked_arguments(ARGUMENTS[1])
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.usage.total_tokens == 3


@pytest.mark.parametrize(("text", "arguments"), [*itertools.product(TEXTS, ARGUMENTS[:2])])
def test_responses_repeats_say_what_the_deltas_said(text: str, arguments: str) -> None:
    for size in (1, 2, 3, 5, 9, 40):
        out = kit.whole(SSE, b"".join(kit.responses_stream(kit.parts(text, size), kit.parts(arguments, size))))
        events = kit.data_of(out)
        assert [e["sequence_number"] for e in events] == list(range(len(events)))
        for kind, field, want in (
            ("response.output_text", "text", masked_text(text)),
            ("response.function_call_arguments", "arguments", masked_arguments(arguments)),
        ):
            assert "".join(e["delta"] for e in events if e["type"] == f"{kind}.delta") == want
            assert [e[field] for e in events if e["type"] == f"{kind}.done"] == [want]
        last = events[-1]["response"]["output"]
        assert last[0]["content"][0]["text"] == masked_text(text)
        assert last[1]["arguments"] == masked_arguments(arguments)
        clean(out)


@pytest.mark.parametrize("size", [1, 4, 13])
def test_the_openai_sdk_reads_the_masked_response(size: int) -> None:
    stream = kit.responses_stream(kit.parts(TEXTS[0], size), kit.parts(ARGUMENTS[0], size))
    response = read_responses(kit.whole(SSE, b"".join(stream)))
    assert response.output_text == masked_text(TEXTS[0])
    assert response.output[1].arguments == masked_arguments(ARGUMENTS[0])


@pytest.mark.parametrize("text", TEXTS)
def test_gemini_adds_up_to_the_masked_whole_in_both_forms(text: str) -> None:
    for pieces in deltas(text):
        chunks = kit.gemini_chunks(pieces)
        events = kit.data_of(kit.whole(SSE, b"".join(kit.event(chunk) for chunk in chunks)))
        array = json.loads(kit.whole("application/json", ("[" + ",\r\n".join(map(json.dumps, chunks)) + "]").encode()))
        for form in (events, array):
            said = "".join(p["text"] for e in form for c in e["candidates"] for p in c["content"]["parts"])
            assert said == masked_text(text)
            assert form[-1]["candidates"][0]["finishReason"] == "STOP"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}},
        lambda text: {"token": {"id": 5, "text": text}, "generated_text": None},
        lambda text: {"message": {"role": "assistant", "content": text}, "done": False},
        lambda text: {"text": text},
        lambda text: {"object": "text_completion", "choices": [{"index": 0, "text": text, "finish_reason": None}]},
        lambda text: text,
    ],
)
def test_unknown_streams_add_up_to_the_masked_whole(wrap: Any) -> None:
    for text in TEXTS[:4]:
        for size in (1, 2, 5, 11):
            out = kit.whole(SSE, b"".join(kit.event(wrap(piece)) for piece in kit.parts(text, size)))
            clean(out)
            said = out.decode() if isinstance(wrap(""), str) else json.dumps(kit.data_of(out), ensure_ascii=False)
            assert "1111" not in said
            assert "6789" not in said
            assert "example" not in said


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_cut_of_the_bytes_gives_the_same_stream(end: str) -> None:
    blocks = [("text", ["card 4111 11", "11 1111 1111, ok"]), ("tool", ['{"pin": 1', "234}"])]
    stream = b"".join(kit.anthropic_stream(*blocks, end=end))
    kit.same_for_every_cut(SSE, stream[-900:])
    assert kit.streamed(SSE, kit.bytewise(stream)) == kit.whole(SSE, stream)


def test_random_streams_are_the_same_however_their_bytes_are_cut() -> None:
    chance = random.Random(7)
    for _ in range(25):
        text, arguments = chance.choice(TEXTS), chance.choice(ARGUMENTS)
        size = chance.randint(1, 9)
        make = chance.choice((kit.responses_stream, kit.chat_stream))
        stream = b"".join(make(kit.parts(text, size), kit.parts(arguments, size)))
        cuts = sorted(chance.sample(range(len(stream)), chance.randint(1, 40)))
        assert kit.streamed(SSE, kit.cut(stream, *cuts)) == kit.whole(SSE, stream)


def test_without_hold_back_a_secret_leaks_so_these_tests_can_fail() -> None:
    """The negative control: events masked one by one, as a rewriter without channels would."""
    stream = kit.anthropic_stream(("text", kit.parts(TEXTS[0], 9)))
    each = b"".join(kit.whole("application/json", data[6:]) for each in stream for data in each.split(b"\n")[1:2])
    assert b"1111" in each
    with pytest.raises(AssertionError):
        assert b"1111" not in each


# Events that say nothing of whether they are pieces of one text: a client may join them, or read each by itself.
BARE = [
    lambda text: {"text": text},
    lambda text: {"type": "note", "message": text},
    lambda text: f'"{text}"',
    lambda text: text,
]


@pytest.mark.parametrize("wrap", BARE)
def test_a_secret_that_is_whole_in_its_event_is_masked_whatever_the_next_one_begins_with(wrap: Any) -> None:
    def raw(*texts: str) -> bytes:
        events = [wrap(text) for text in texts]
        return b"".join(
            b"data: " + (each if isinstance(each, str) else json.dumps(each)).encode() + b"\n\n" for each in events
        )

    for secret in (kit.CARD, "123-45-6789", kit.GITHUB, "DE89 3704 0044 0532 0130 00"):
        for rest in (("last",), ("9", "9"), ("_x",), (" and more",), ("1 2 3",), ()):
            for first in ((), ("begin",), ("7",)):
                stream = raw(*first, secret, *rest)
                out, findings = kit.told(SSE, [stream])
                assert secret not in out.decode(), (first, rest)
                clean(out)
                digits = rest[:1] and rest[0][0].isdigit()  # … may go on with what is another number then
                assert digits or sum(found.count for found in findings) == 1, (first, rest, findings)
                assert kit.told(SSE, kit.bytewise(stream)) == (out, findings)
        for at in range(1, len(secret)):
            clean(kit.whole(SSE, raw("say ", secret[:at], secret[at:], " and more")))
            clean(kit.whole(SSE, raw(f"say {secret[:at]}", f"{secret[at:]}.", secret, "x")))


@pytest.mark.parametrize("wrap", BARE)
def test_an_event_before_does_not_make_a_card_part_of_a_digest(wrap: Any) -> None:
    raw = b"".join(
        b"data: " + (each if isinstance(each, str) else json.dumps(each)).encode() + b"\n\n"
        for each in map(wrap, ("9a2feaa0c55ad01", f"f{kit.CARD.replace(' ', '')} x"))
    )
    out, findings = kit.told(SSE, [raw])
    clean(out)
    assert [(found.rule, found.count) for found in findings] == [("card", 1)]
    assert kit.told(SSE, kit.bytewise(raw)) == (out, findings)
