import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extproc.record import Exchange, request_content, request_parts
from extproc.resent import AGE_US, DEPTH, Resent, pieces
from tests.kit.playbook import verdict

JSON, KEY = "application/json", ("s", "c", "application/json")
TEXT = 'a sentence of some length, with a comma, a [bracket] and a \\"quote\\"; ' * 20


def body(turns: int, name: str = "messages") -> bytes:
    messages = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"{n} {TEXT}"} for n in range(turns)]
    return json.dumps({"model": "m", "max_tokens": 5, name: messages, "tools": [{"name": "t", "x": TEXT}]}).encode()


@pytest.mark.parametrize("name", ["messages", "input", "contents"])
def test_a_conversation_is_cut_at_its_messages(name: str):
    parts = pieces(JSON, body(6, name))
    assert b"".join(parts) == body(6, name)
    assert len(parts) == 8
    assert parts[:3] == pieces(JSON, body(8, name))[:3]
    assert parts[-1] == pieces(JSON, body(8, name))[-1]


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_document_is_its_pieces(value: object):
    text = json.dumps({"pad": "x" * 2000, "messages": [value, value], "z": value}).encode()
    assert b"".join(pieces(JSON, text)) == text


@pytest.mark.parametrize(
    ("media", "text"),
    [("text/plain", b"x" * 5000), (JSON, b"{}"), (JSON, b'{"messages": "none", "a": "' + b"x" * 2000 + b'"}'),
     (JSON, b'{"a": {"messages": [1, 2]}, "b": "' + b"x" * 2000 + b'"}'), (JSON, b'["messages", [1], "' + b"x" * 2000)],
)  # fmt: skip
def test_what_is_no_conversation_stays_whole(media: str, text: bytes):
    assert pieces(media, text) == [text]


def test_each_turn_costs_its_new_part():
    resent, sizes, names = Resent(), [], []
    for turn in range(1, 40):
        parts = request_parts(JSON, body(turn))
        shared = resent.shared(KEY, parts, turn)
        exchange = Exchange(verdict(b"", exchange=f"x{turn}"))
        drafts = request_content(exchange, JSON, parts, turn, shared)
        resent.keep(KEY, f"x{turn}", parts, shared, turn)
        sizes.append(sum(len(frame.content) for draft in drafts for frame in draft.frames))
        names.append(drafts[0].data.get("base"))
    assert names == [None, *(f"x{turn}" for turn in range(1, 39))]
    assert max(sizes[1:]) < 1.3 * len(TEXT)


def test_the_same_again_costs_nothing_and_is_an_event():
    resent, parts = Resent(), request_parts(JSON, body(5))
    resent.keep(KEY, "x1", parts, None, 0)
    shared = resent.shared(KEY, parts, 1)
    (draft,) = request_content(Exchange(verdict(b"")), JSON, parts, 1, shared)
    assert draft.frames == ()
    assert (draft.data["base"], draft.data["prefix"], draft.data["suffix"], draft.data["bytes"]) == ("x1", 7, 0, 0)


def test_other_sessions_and_other_bodies_share_nothing():
    resent, parts = Resent(), request_parts(JSON, body(5))
    resent.keep(KEY, "x1", parts, None, 0)
    assert resent.shared(("other", "c", JSON), parts, 1) is None
    assert resent.shared(KEY, [b"x" * 5000], 1) is None
    assert resent.shared(KEY, parts, AGE_US + 1) is None
    assert resent.shared(KEY, parts, -1) is None, "the clock went back"


def test_now_and_then_all_of_it_is_recorded_again():
    resent, depths = Resent(), []
    parts = request_parts(JSON, body(5))
    for turn in range(DEPTH + 2):
        shared = resent.shared(KEY, parts, 1)
        resent.keep(KEY, f"x{turn}", parts, shared, 1)
        depths.append(shared.depth if shared else 0)
    assert depths == [*range(DEPTH + 1), 0]


def test_the_memory_is_bounded():
    resent, parts = Resent(most=20), request_parts(JSON, body(5))
    for number in range(10):
        resent.keep((str(number),), "x", parts, None, 0)
    assert resent.shared(("0",), parts, 1) is None
    assert resent.shared(("9",), parts, 1) is not None
