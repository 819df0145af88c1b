"""What a worker may hand to OPA unread."""

import io

import pytest

from snapshot.engine.frames import BrokenFrame, pack, plain_input, receive


@pytest.mark.parametrize("given", [b'{"a":1}', b"[]", b"1e5", b'"\xc3\xa9"', b" {}", b"123456789012345678901234567890"])
def test_the_input_is_cut_out_as_it_stands(given: bytes) -> None:
    assert plain_input(b'{"input":' + given + b"}") == given


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"input":}',
        b'{"input":null}',
        b'{"input": null}',
        b'{"input" :1}',
        b' {"input":1}',
        b'{"input":1} ',
        b'{"input":1,"input":2}',
        b'{"input":{"a":1},"b":{}}',
        b'{"input":1}{"input":2}',
        b'{"input":NaN}',
        b'{"input":"\\ud800"}',
        b'{"input":"\xff"}',
        b'{"input":"\0"}',
        b'{"input":1\0}',
        b'{"input":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_all_else_is_read_first(body: bytes) -> None:
    assert plain_input(body) == b""


def test_a_message_comes_back_and_one_without_end_is_broken() -> None:
    message = pack({"op": "eval"}, b"payload")
    assert receive(io.BytesIO(message)) == ({"op": "eval"}, b"payload")
    for size in range(len(message)):
        with pytest.raises(BrokenFrame):
            receive(io.BytesIO(message[:size]))
