"""Held tools in streams of every API, for the tests of this folder."""

from extproc.tools import Gate
from tests.kit.streams import anthropic_stream, chat_stream, responses_stream

SQL, MORE = '{"q": "DROP TABLE x"}', '{"path": "/etc"}'
HELD = ("execute_sql", "delete_file")
NO = "The call of execute_sql was refused."
STREAMS = {
    "anthropic": lambda *calls: anthropic_stream(("text", "", "Let me see."), *calls),
    "openai_chat": lambda *calls: chat_stream("Let me see.", *calls),
    "openai_responses": lambda *calls: responses_stream("Let me see.", *calls),
}
ONE = (("c1", "execute_sql", SQL),)
TWO = (*ONE, ("c2", "lookup", MORE))


def through(gate: Gate, stream: list[bytes], refused: str = "") -> bytes:
    """Everything that goes when each call is answered at once."""
    out = b""
    for event in stream:
        out += gate.feed(event)
        for call in gate.take_calls():
            out += gate.answer(call.key, refused)
    return out + gate.finish()
