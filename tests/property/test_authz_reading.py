"""Laws of reading a request: what we accept has one meaning, whoever reads it; what we do not, is refused in words."""

import contextlib
import json
import posixpath
from typing import Any
from urllib.parse import unquote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz import sql
from authz.action import Asked, describe
from authz.credentials import token
from authz.errors import RequestRefused
from authz.headers import ALWAYS_REMOVED, ENVOYS, Headers, passing, removed
from authz.query import fields
from authz.request import Request, target
from identity.errors import TokenRefused
from identity.token import take_apart
from runtime import strict_json
from snapshot.connections import Connection
from tests.kit.tokens import token as good_token

PATH = st.lists(
    st.sampled_from(
        ["/", "..", ".", "%2e", "%2F", "%5c", "\\", ";", "a", "one", "//", "%00", "%25", "%", "?", "#", "é", "~"]
    ),
    max_size=12,
).map("".join)


@given(st.one_of(PATH, st.text(max_size=40)).map(lambda rest: "/one/" + rest))
def test_an_accepted_path_has_one_reading(path: str) -> None:
    try:
        found = target(Request("GET", "h", path))
    except RequestRefused:
        return
    plain = path.partition("?")[0]
    assert f"/{found.connection}{found.path}" == plain
    # servers that decode first, that normalise first, that read backslashes, that strip parameters: all the same
    for reading in (plain, unquote(plain), unquote(unquote(plain)), plain.replace("\\", "/"), plain.partition(";")[0]):
        normal = posixpath.normpath(reading)
        assert normal == reading.rstrip("/") or reading.strip("/") == ""
        assert normal.split("/")[1] == found.connection


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_any_document_is_read_as_it_is(value: Any) -> None:
    assert strict_json.loads(json.dumps(value).encode(), max_depth=50) == value


@given(st.one_of(st.binary(max_size=60), st.text('{}[]",:\\ud8a01eE+-.NaInfity\ufeff', max_size=40).map(str.encode)))
def test_what_is_accepted_another_reader_reads_the_same(data: bytes) -> None:
    try:
        value = strict_json.loads(data, max_depth=50)
    except strict_json.NotStrict:
        return
    if len(data) < 15:  # larger integers and exponents are where readers part by precision, not by structure
        assert orjson.loads(data) == value


@given(st.text(max_size=200))
def test_sql_of_any_text_is_described(text: str) -> None:
    found = sql.statements(text)
    assert found
    assert all(statement["verb"] in sql.VERBS for statement in found)


@given(st.text(st.sampled_from("select delete from where a,;'\"-/*()\n\r"), max_size=60))
def test_a_write_is_never_hidden_in_a_comment_or_a_string(noise: str) -> None:
    """Behind whatever noise, a statement of its own is seen, or all of it is unparsable."""
    found = [statement["verb"] for statement in sql.statements(f"{noise};\ndrop table t")]
    quoted = "'" in noise or '"' in noise or "/*" in noise or "--" in noise
    assert found[-1] == "drop" or "unparsable" in found or quoted


GENERATING = (
    ("anthropic", "/v1/messages"),
    ("openai", "/v1/chat/completions"),
    ("openai", "/responses"),
    ("openai", "/v1/embeddings"),
    ("openai", "/v1/completions"),
    ("azure_openai", "/openai/deployments/d/chat/completions"),
    ("gemini", "/v1beta/models/m:generateContent"),
    ("gemini", "/v1beta/models/m:batchEmbedContents"),
    ("gemini", "/v1beta/models/m:countTokens"),
    ("mcp", "/"),
    ("kubernetes", "/api/v1/pods"),
)


@given(JSON)
def test_any_document_is_described_or_refused(document: Any) -> None:
    for kind, path in GENERATING:
        connection = Connection("c", kind, "https://upstream.example")
        with contextlib.suppress(RequestRefused):
            describe(connection, Asked("POST", path, document, 1))
    connection = Connection("c", "http", "https://u.example", sql_fields=("$.a", "$[*].b[0]"))
    describe(connection, Asked("POST", "/", document, 1))


@given(st.lists(st.tuples(st.text("abcxXyz-_0", min_size=1, max_size=20), st.binary(max_size=10)), max_size=20))
def test_a_header_passes_or_is_removed(pairs: list[tuple[str, bytes]]) -> None:
    headers = Headers([(name.lower(), value) for name, value in pairs])
    for kind in ("anthropic", "openai", "http"):
        gone, kept = set(removed(headers, kind)), set(passing(headers, kind))
        assert not gone & kept
        assert set(headers) <= gone | kept | ENVOYS
        assert set(ALWAYS_REMOVED) <= gone


@given(st.text(max_size=80))
def test_any_query_is_read_or_refused(query: str) -> None:
    try:
        found = fields(query)
    except RequestRefused:
        return
    assert all(isinstance(value, str) for values in found.values() for value in values)


@given(
    st.lists(st.tuples(st.sampled_from(["authorization", "x-api-key", "cookie"]), st.binary(max_size=40)), max_size=4)
)
def test_any_credentials_give_one_token_or_an_error(pairs: list[tuple[str, bytes]]) -> None:
    try:
        found = token(Headers(pairs))
    except (RequestRefused, TokenRefused):
        return
    assert found.isascii()


@given(st.integers(0, 600), st.sampled_from("AZaz09-_.=+/ \n\0é"))
def test_a_token_with_one_other_character_is_another_token(at: int, other: str) -> None:
    text = good_token()
    at %= len(text)
    changed = text[:at] + other + text[at + 1 :]
    if changed == text:
        return
    try:
        found = take_apart(changed)
    except TokenRefused:
        return
    key = _key(found.kid, found.algorithm)
    if key is None:
        return
    with pytest.raises(TokenRefused):
        found.check_signature(key)


def _key(kid: str, algorithm: str) -> Any:
    from tests.kit.tokens import published, signing_key

    return published(signing_key()).get(kid, algorithm)
