"""The formats that tell their text whole: only their bytes can be cut."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from bench.leak.formats import (
    CLAUDE,
    JSON,
    OTHER,
    SSE,
    Channels,
    Format,
    named,
    note,
    of_note,
    plain,
    same,
    twice,
    typed,
)


def _json(pieces: Sequence[str]) -> list[bytes]:
    return [json.dumps({"id": 7, "text": "".join(pieces), "tags": ["a", None, True]}, indent=1).encode()]


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" for each in text)


def _escapes(pieces: Sequence[str]) -> list[bytes]:
    return [b'{"text":"%b"}' % _escaped("".join(pieces)).encode()]


def _nested(pieces: Sequence[str]) -> list[bytes]:
    return [json.dumps({"body": note("".join(pieces))}).encode()]


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _base64(pieces: Sequence[str]) -> list[bytes]:
    return [json.dumps({"name": "a.txt", "data": _encoded("".join(pieces))}).encode()]


def _numbers(pieces: Sequence[str]) -> list[bytes]:
    return [b'{"rows":[{"n":%b,"of":1},{"n":12.50}]}' % "".join(pieces).encode()]


def _lines(pieces: Sequence[str]) -> list[bytes]:
    return [json.dumps({"row": 0, "text": "first"}).encode() + b"\n" + note("".join(pieces)).encode() + b"\n{}\n"]


def _text(pieces: Sequence[str]) -> list[bytes]:
    return ["".join(pieces).encode()]


def _table(pieces: Sequence[str]) -> list[bytes]:
    return ['id,note,"n"\r\n1,"{}",x\r\n2,,\r\n'.format("".join(pieces)).encode()]


def _form(pieces: Sequence[str]) -> list[bytes]:
    return [b"id=7&note=" + quote_plus("".join(pieces)).encode() + b"&end=1"]


def _parts(pieces: Sequence[str]) -> list[bytes]:
    disposition = 'content-disposition: form-data; name="note"'
    return ["--b7\r\n{}\r\n\r\n{}\r\n--b7--\r\n".format(disposition, "".join(pieces)).encode()]


def _mcp(pieces: Sequence[str]) -> list[bytes]:
    content = [{"type": "text", "text": "".join(pieces)}]
    return [
        plain({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "a", "progress": 1}}),
        b"event: message\n" + plain({"jsonrpc": "2.0", "id": 1, "result": {"content": content, "isError": False}}),
    ]


def _tool_result(pieces: Sequence[str]) -> list[bytes]:
    result = {"type": "bash_code_execution_result", "stdout": "".join(pieces), "stderr": "", "return_code": 0}
    block = {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_01", "content": result}
    return [
        named("message_start", message={"id": "msg_01", "type": "message", "role": "assistant", "content": []}),
        named("content_block_start", index=0, content_block=block),
        named("content_block_stop", index=0),
        named("message_stop"),
    ]


def _member(*path: str | int) -> Any:
    def read(documents: list[Any]) -> Channels:
        found = []
        for value in documents:
            try:
                for step in path:
                    value = value[step]
                found.append([str(value)])
            except (LookupError, TypeError):
                continue
        return found

    return read


def _joined(documents: list[Any]) -> Channels:
    return [["\n".join(map(str, documents))]]


def _of_tool_result(documents: list[Any]) -> Channels:
    return [[each["content_block"]["content"]["stdout"]] for each in typed(documents, "content_block_start")]


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode("utf-8", "replace")


def _body(name: str, play: Any, read: Any, media: str = JSON, **more: Any) -> Format:
    return Format(name, OTHER, media, play, read, deltas=False, **more)


HEADER = "x-note"
BODIES = (
    Format("Anthropic tool result", CLAUDE, SSE, _tool_result, _of_tool_result, deltas=False),
    _body("MCP over SSE", _mcp, _member("result", "content", 0, "text"), SSE),
    _body("JSON", _json, _member("text")),
    _body("JSON, br", _json, _member("text"), encoding="br"),
    _body("CSV", _table, _joined, "text/csv", wire=same, common=False),
    _body(
        "Form", _form, _joined, "application/x-www-form-urlencoded", wire=quote_plus, taken=unquote_plus, common=False
    ),
    _body("Multipart", _parts, _joined, "multipart/form-data; boundary=b7", wire=same, common=False),
    _body("JSON, all escapes", _escapes, _member("text"), wire=_escaped),
    _body("JSON in a JSON string", _nested, _member("body"), wire=twice, taken=of_note),
    _body("JSON, base64 string", _base64, _member("data"), wire=_encoded, taken=_decoded, common=False),
    _body(
        "JSON numbers",
        _numbers,
        _member("rows", 0, "n"),
        carry=lambda text: next(word for word in text.split() if word.isdigit() and len(word) > 12),
        wanted=lambda sample: sample.told.isdigit(),
        common=False,
    ),
    _body("NDJSON", _lines, _member("note"), "application/x-ndjson"),
    _body("Plain text", _text, _joined, "text/plain; charset=utf-8", wire=same),
    _body(
        "Response headers",
        _text,
        _joined,
        "text/plain; charset=utf-8",
        wire=same,
        wanted=lambda sample: "\n" not in sample.told,
        common=False,
        in_head=True,
    ),
)
