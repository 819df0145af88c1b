"""JSON: byte for byte outside of masked values, the same for every splitting, and as the parsed tree would have it."""

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masking.finding import Finding
from tests.kit import masked_bodies as kit

JSON = "application/json"
DOCUMENTS = (
    r'{"a": "4111111111111111", "b": [1,2,{"password": "x\"y", "n": 5}], "c":4111111111111111,"routing":"021000021"}',
    r'{"routing": [ "021000021", 121000358 ], "x\u0041":"\u0034111 1111 1111 1111 \ud83d\ude00 \/ ok"}',
    r'{"k":"\n4111111111111111", "t":"\t\u0031\u0032\u0033-45-6789"}',
    r'{"gone":"abc","b":1,"gone":[1,{"x":"]"}],"c":{"gone":1}, "d":{"gone":{"a":2},"gone":3},"e":[1,2], "gone":"z"}',
    '{"my_secret":{"a":"b","n":12.5,"t":true,"l":["x",null,{"q":"r"}]},"after":"123-45-6789"}\n{"pin":12}\r\n',
    r'{"nested":"{\"password\":\"hunter2\",\"t\":\"\\u0034111111111111111\",\"n\":4111111111111111}","z":"[\"123-45-6789\"]"}',
    '{"bad": undefined, "password": "x", "t": "4111111111111111" 4111 1111 1111 1111 }',
    'Hello this is text 4111 1111 1111 1111, and jane.doe@example.com "quoted"',
    '{"card":"4111 1111 1111 11',
    '{"card":41111111111',
    '{"4111111111111111": 1, "e": "caf\u00e9 123-45-6789"}',
    "[4111111111111111,-4111111111111111.5, 12 ,1.50e+3, 12345678901234567890123]",
    '"4111111111111111"',
    '4111111111111111\n5\n"x"',
    r'{"url":"https:\/\/x.y\/4111111111111111\/z","t":"\\","u":"\\\"4111111111111111"}',
    r'{"v":"\ud800 4111111111111111 \udc00", "w":"\u12"}',
    "  [ ]  {}  null true ",
    '{"a":1,"a":"4111111111111111","a":{"a":[[[["123-45-6789"]]]]}}',
    '\ufeff{"iban" : "DE89 3704 0044 0532 0130 00" , "x":[]}',
    '{"routing"\n:\n"021000021"}{"routing":\t021000021}',
    '{"date of birth":"1987-03-04","dob":["1987-03-04",{"x":"1987-03-04"}]}',
    '{"inputSchema":{"properties":{"password":{"type":"s","default":"x"},"pin":{"properties":{"pin":{"enum":["y"]}}},'
    '"gone":{"type":"z"},"user":{"default":"u"}}},"password":{"type":"x"},"properties":{"pin":{"type":"x"}}}',
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_one_and_two_cuts_give_the_whole(document: str) -> None:
    data = document.encode("utf-8", "surrogatepass")
    out = kit.same_for_every_cut(JSON, data, pairs=3)
    for secret in kit.SECRETS:
        assert secret.encode() not in out


def test_what_a_schema_says_of_a_field_stays() -> None:
    """`password` among the properties of a tool declares a parameter; elsewhere the same object holds a password."""
    document = json.loads(kit.whole(JSON, DOCUMENTS[-1].encode()))
    properties = document["inputSchema"]["properties"]
    assert properties["password"] == {"type": "s", "default": "[KEY]"}
    assert properties["pin"] == {"properties": {"pin": {"enum": ["[KEY]"]}}}
    assert properties["gone"] == {"type": "z"}
    assert properties["user"] == {"default": "u"}
    assert document["password"] == {"type": "[KEY]"}
    assert document["properties"]["pin"] == {"type": "[KEY]"}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_findings_are_the_same_for_every_cut(document: str) -> None:
    data = document.encode("utf-8", "surrogatepass")
    expected = counted(kit.told(JSON, [data])[1])
    for chunks in [*kit.one_cuts(data), kit.bytewise(data)]:
        assert counted(kit.told(JSON, chunks)[1]) == expected


def counted(findings: list[Finding]) -> list[tuple[str, str, str, int, str]]:
    return sorted((each.rule, each.where, each.operator, each.count, each.token) for each in findings)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_no_rule_knows_stays_byte_for_byte(document: str) -> None:
    data = document.encode("utf-8", "surrogatepass")
    assert kit.whole(JSON, data, profile="nothing") == data
    assert kit.streamed(JSON, kit.bytewise(data), profile="nothing") == data


# -- random documents against json.loads -----------------------------------------------------------------------------

words = st.sampled_from(
    ["", "a", "note", "4111111111111111", "4111 1111 1111 1111", "123-45-6789", "größe ☃", "\n", "x\ty", '"', "\\", "/",
     "jane.doe@example.com", "DE89370400440532013000", "021000021", "1987-03-04", "{", '{"pin": 7}',
     '["4111111111111111"]', "𝄞", "+14155552671", kit.GITHUB]
)  # fmt: skip
texts = st.lists(words, max_size=4).map(" ".join)
keys = st.sampled_from(["a", "b", "note", "routing", "dob", "password", "client_secret", "Pin", "x y", "ké", "n\n"])
numbers = st.one_of(
    st.integers(),
    st.sampled_from([4111111111111111, 123456789, 21000021, 0, -5]),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(
    st.one_of(texts, numbers, st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)


def expected(value: Any, key: str = "", ruled: bool = False) -> Any:
    """What masking makes of a document, told by the parsed tree and the text core alone."""
    if isinstance(value, dict):
        return {text_of(name): expected(inner, name, ruled or by_rule(name)) for name, inner in value.items()}
    if isinstance(value, list):
        plain = key if all(not isinstance(inner, dict | list) for inner in value) else None
        out, still = [], True
        for inner in value:
            still = still and not isinstance(inner, dict | list)
            out.append(expected(inner, key if still or plain is not None else "", ruled))
        return out
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return ("[KEY]" if value else "") if ruled else string_of(value, key)
    return "[KEY]" if ruled else number_of(value, key)


def by_rule(name: str) -> bool:
    plain = re.sub("[^a-z0-9]", "", name.lower())
    return plain in ("password", "pin") or "secret" in plain


def text_of(text: str) -> str:
    return string_of(text, "")


def string_of(text: str, key: str) -> str:
    """A string masked by itself, below the key that announces it."""
    data = json.dumps({key: text} if key else text).encode()
    inner = json.loads(kit.whole(JSON, data))
    found: str = inner[next(iter(inner))] if key else inner
    return found


def number_of(value: float, key: str) -> Any:
    data = json.dumps({key: value} if key else value).encode()
    inner = json.loads(kit.whole(JSON, data))
    return inner[next(iter(inner))] if key else inner


def loads(data: bytes) -> Any:
    return json.loads(data)


@settings(max_examples=250, deadline=None)
@given(values, st.sampled_from([None, 1, "spaced"]), st.booleans(), st.randoms(use_true_random=False))
def test_random_documents(value: Any, indent: Any, ascii_only: bool, chance: random.Random) -> None:
    separators = (" , ", " : ") if indent == "spaced" else None
    text = json.dumps(value, indent=indent if indent == 1 else None, separators=separators, ensure_ascii=ascii_only)
    data = text.encode()
    out = kit.whole(JSON, data)
    assert loads(out) == expected(value)
    cuts = sorted(chance.sample(range(len(data) + 1), min(len(data), chance.randint(1, 9))))
    assert kit.streamed(JSON, kit.cut(data, *cuts)) == out
    assert kit.whole(JSON, data, profile="nothing") == data


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*'{}[]:,"\\ \n', "a", "4111111111111111", '"pin"', '"x"', "1", "true", "\\u0034", "é"]),
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_broken_documents_are_the_same_for_every_cut(tokens: list[str], chance: random.Random) -> None:
    data = "".join(tokens).encode()
    out = kit.whole(JSON, data)
    assert not re.search(rb"\b4111111111111111\b", out)
    cuts = sorted(chance.sample(range(len(data) + 1), min(len(data), chance.randint(1, 9))))
    assert kit.streamed(JSON, kit.cut(data, *cuts)) == out
    assert kit.streamed(JSON, kit.bytewise(data)) == out


@settings(max_examples=60, deadline=None)
@given(values, st.randoms(use_true_random=False))
def test_paths(value: Any, chance: random.Random) -> None:
    data = json.dumps({"customer": {"name": "Ann", "gone": value, "n": 1}, "accounts": [{"number": 7}, value]}).encode()
    out = kit.whole(JSON, data, profile="paths")
    read = loads(out)
    assert list(read["customer"]) == ["name", "n"]
    assert read["customer"]["name"] == "[KEY]"
    assert read["accounts"][0]["number"] == "[KEY]"
    cuts = sorted(chance.sample(range(len(data) + 1), min(len(data), 5)))
    assert kit.streamed(JSON, kit.cut(data, *cuts), profile="paths") == out


# -- size --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1000, 16384, 65536, 1 << 20])
def test_long_documents_are_the_same_in_chunks(chunk: int) -> None:
    chance = random.Random(3)
    rows = []
    for number in range(3000):
        row: dict[str, Any] = {"id": number, "note": "plain words " * chance.randint(0, 6), "tags": ["a", "b"]}
        if number % 37 == 0:
            row |= {
                "card": "4111 1111 1111 1111",
                "pin": 1234,
                "long": "x" * chance.choice([10, 5000]) + " 123-45-6789",
            }
        rows.append(row)
    data = json.dumps(rows).encode()
    out, findings = kit.told(JSON, [data])
    got, same = kit.told(JSON, kit.cut(data, *range(chunk, len(data), chunk)))
    assert got == out
    assert counted(same) == counted(findings)
    assert b"4111" not in out
    assert b"6789" not in out
    assert len(json.loads(out)) == 3000


@pytest.mark.parametrize(
    "data",
    [
        b'{"n":' + b"4" * 9000 + b',"pin":1}',
        b'{"n":' + b"1 " * 5000 + b'"x" 4111111111111111}',
        b'{"pin":' + b"1 " * 5000 + b',"a":"123-45-6789"}',
        b'{"gone":' + b"1 " * 5000 + b',"a":"123-45-6789"}',
        b'{"a"' + b" " * 9000 + b':"4111111111111111"}',
        b'{"a":' + b" " * 9000 + b'"4111111111111111", "gone" :' + b"\n" * 9000 + b"5}",
        b'{"' + b"k" * 9000 + b'":"4111111111111111","pin":5}',
        b'["' + b"k" * 9000 + b'4111","' + b"4111 1111 1111 1111" + b'"]',
        b"[" * 3000 + b'"4111111111111111"' + b"]" * 3000,
        b'{"a":' * 700 + b'{"pin":5}' + b"}" * 700,
        b'{"pin":"' + b"s" * 70_000 + b'","a":1}',
        b'{"pin":[' + b'"secret",' * 3000 + b'1],"a":1}',
        b'{"gone":[' + b'"secret",' * 3000 + b'1],"a":1}',
        b'{"a":"' + b"\\u0034" * 40 + b" 4111111111111111" + b"\\n" * 3000 + b'"}',
    ],
)
def test_hostile_lengths(data: bytes) -> None:
    out = kit.whole(JSON, data)
    assert b"4111111111111111" not in out
    assert b"secret" not in out
    for size in (1, 97, 4096):
        assert kit.streamed(JSON, kit.cut(data, *range(size, len(data), size))) == out
