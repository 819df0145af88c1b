"""Upstreams that lie: no secret comes back in any coat, and a refusal is whole."""

import contextlib
import json
import re
import zlib
from urllib.parse import unquote

import pytest

from tests.kit import rawhttp
from tests.kit.attacks import Field, head, shaped
from tests.kit.lies import CARD, CUT, JSON, LIES, MAIL, MASKED, REFUSED, SECRETS
from tests.kit.rawhttp import Got

pytestmark = pytest.mark.envoy
WAYS = [("one", name) for name in LIES] + [
    (kind, name) for kind in ("gpt", "claude") for name in LIES if "stream" in name or "key" in name or "utf-16" in name
]


def coats(data: bytes) -> str:
    """The bytes in every way a client may read them."""
    text = data.decode("utf-8", "replace")
    deltas = []
    for line in re.split(r"\r\n|\r|\n", text):
        if line.startswith("data:"):
            with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
                deltas.append(json.loads(line[5:])["choices"][0]["delta"].get("content") or "")
    more = [text, unquote(text), "".join(deltas), text.replace("\r", "").replace("\ndata: ", " ")]
    more += [data.decode(coding, "replace") for coding in ("utf-16-le", "utf-16-be", "utf-32-le", "cp037", "utf-7")]
    more += [data[1:].decode("utf-16-le", "replace"), re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)]
    for window in (31, 15, -15):
        with contextlib.suppress(zlib.error):
            more.append(zlib.decompress(data, window).decode("utf-8", "replace"))
    return "\n".join(more)


@pytest.mark.parametrize("number", range(len(WAYS)), ids=[f"{way}: {name}" for way, name in WAYS])
def test_lies(place: Field, number: int) -> None:
    body = b'{"model": "simulated", "max_tokens": 9, "stream": true, "messages": [], "input": ""}'

    def send(way: tuple[str, str], _: str) -> Got:
        connection, name = way
        mark = f"play-{name.replace(' ', '-')}"
        if connection == "one":
            return rawhttp.ask(place.port, head(mark, place, b"GET /one/x HTTP/1.1"))
        path = {"gpt": b"/gpt/chat/completions", "claude": b"/claude/v1/messages"}[connection]
        lines = [JSON, b"content-length: %d" % len(body)]
        return rawhttp.ask(place.port, head(mark, place, b"POST " + path + b" HTTP/1.1", *lines) + body)

    got = place.table("lies", WAYS, send)[number].got
    assert got.seconds < rawhttp.LONGEST, "it hangs"
    read = coats(got.raw) + coats(got.body) + str(got.headers)
    for secret in (*SECRETS, CARD[:15], MAIL[:-1], '1111 1111", "1111 1111'):
        assert secret not in read, secret
    assert "forged" not in read
    for key in ("ldg_", "sk-ant-", "sk-proj-"):
        assert key not in read
    expected = LIES[WAYS[number][1]][0]
    if expected == REFUSED:
        assert got.status in (502, 503)
    if got.status in (502, 503):
        assert got.whole
        shaped(got)
    elif expected == MASKED:
        assert got.whole
        assert got.status in (200, 302, 307, 401)
        assert "[" in read
    elif expected == CUT:
        assert not got.whole or b"error" in got.body
