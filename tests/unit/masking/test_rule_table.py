"""Every way to select, with every operator: what becomes of the value, and what is told of it."""

import json
import re
from typing import Any

import pytest

from masking import Finding, Masker, Ruleset
from masking.errors import Blocked
from masking.operators import partial, unseal
from tests.kit.masked_texts import KEYS

DOCUMENT = {
    "customer": {"ssn": "123-45-6789", "name": "Ada"},
    "accounts": [{"number": "31926819", "kind": "a"}, {"number": "5550001112", "kind": "b"}],
    "pass_word": "hunter2-Xy9",
    "note": "for EMP-123456 only",
    "pan": "4111 1111 1111 1111",
}
Where = tuple[tuple[str | int, ...], str]
# How it is selected, and the (path, value) pairs that are: a whole value, or a piece of one.
SELECTORS: dict[str, tuple[str, list[Where]]] = {
    "detector": ("detect: us_ssn", [(("customer", "ssn"), "123-45-6789")]),
    "group": ("detect: pci", [(("pan",), "4111 1111 1111 1111")]),
    "key": ("key: password", [(("pass_word",), "hunter2-Xy9")]),
    "path": ('path: "$.customer.ssn"', [(("customer", "ssn"), "123-45-6789")]),
    "path with [*]": (
        'path: "accounts[*].number"',
        [(("accounts", 0, "number"), "31926819"), (("accounts", 1, "number"), "5550001112")],
    ),
    "pattern": ("pattern: 'EMP-[0-9]{6}'", [(("note",), "EMP-123456")]),
}
OPERATORS = ("redact", "{redact: gone}", "{partial: last4}", "{partial: first6_last4}", "token", "reversible", "format")
WHOLE = ("drop", "block")
APPLIES = {"": {}, "connection: 'led*'": {"connection": "ledger"}, "direction: request": {"direction": "request"}}
FIELDS = ("key", "path", "path with [*]")


def masker(selector: str, operator: str, more: str = "", **where: Any) -> Masker:
    lines = [SELECTORS[selector][0], "name: picked", f"operator: {operator}", *([more] if more else [])]
    text = "profiles:\n  p:\n    - " + "\n      ".join(lines)
    return Ruleset.parse(text, "m.yaml").masker(["p"], keys=KEYS, tweak=b"s-1", **where)


def masked(use: Masker) -> tuple[Any, tuple[Finding, ...]]:
    """The document, masked, whole and byte by byte, which must agree."""
    raw = json.dumps(DOCUMENT).encode()
    whole = use.body("application/json", raw)
    stream = use.stream("application/json")
    out = b"".join(stream.feed(raw[at : at + 1]) for at in range(len(raw))) + stream.finish()
    assert out == whole.data
    assert stream.take_findings() == list(whole.findings)
    return json.loads(out), whole.findings


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def put(document: Any, path: tuple[str | int, ...], value: str) -> None:
    at(document, path[:-1])[path[-1]] = value


def is_right(operator: str, value: str, got: str) -> bool:
    match operator:
        case "redact":
            return got == "[PICKED]"
        case "{redact: gone}":
            return got == "gone"
        case "{partial: last4}":
            return got == partial(value.encode(), 0, 4).decode() and got.endswith(value[-4:])
        case "{partial: first6_last4}":
            return got == partial(value.encode(), 6, 4).decode() and got != value
        case "token":
            return re.fullmatch("tok_picked_[B-T]{20}", got) is not None
        case "reversible":
            return unseal(got.encode(), KEYS, b"s-1") == value.encode() and value not in got
        case _:  # other digits in the same places, where there are enough and nothing but digits
            shape = re.sub("[0-9]", "0", got) == re.sub("[0-9]", "0", value) and got != value
            return shape or (got == "[PICKED]" and (value[0].isalpha() or len(value) < 11))


@pytest.mark.parametrize("more", APPLIES)
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("selector", SELECTORS)
def test_every_selector_with_every_operator(selector: str, operator: str, more: str) -> None:
    where: dict[str, Any] = APPLIES[more]
    if operator == "reversible" and not where.get("direction"):
        where = {**where, "direction": "request"}  # what answers seal is bound to that as well, see test_restore.py
    out, findings = masked(masker(selector, operator, more, **where))
    rest: Any = json.loads(json.dumps(DOCUMENT))
    for path, value in SELECTORS[selector][1]:
        before, _, after = at(DOCUMENT, path).partition(value)
        got = at(out, path)
        assert got.startswith(before)
        assert got.endswith(after)
        assert is_right(operator, value, got[len(before) : len(got) - len(after)]), got
        put(rest, path, got)
        assert all(value not in str(found) for found in findings)
    assert out == rest, "something else was changed"
    assert {(found.rule, found.operator) for found in findings} == {("picked", operator.strip("{}").split(":")[0])}
    assert sum(found.count for found in findings) == len(SELECTORS[selector][1])
    assert all(found.where.startswith("$.") and len(found.version) == 8 for found in findings)


@pytest.mark.parametrize("operator", [*OPERATORS, *WHOLE])
@pytest.mark.parametrize("selector", SELECTORS)
def test_elsewhere_and_the_other_way_nothing_is_changed(selector: str, operator: str) -> None:
    for more, where in (("connection: 'led*'", {"connection": "mail"}), ("direction: request", {})):
        assert masked(masker(selector, operator, more, **where)) == (DOCUMENT, ())


@pytest.mark.parametrize("more", APPLIES)
@pytest.mark.parametrize("selector", SELECTORS)
def test_drop(selector: str, more: str) -> None:
    out, findings = masked(masker(selector, "drop", more, **APPLIES[more]))  # type: ignore[arg-type]
    want: Any = json.loads(json.dumps(DOCUMENT))
    for path, value in SELECTORS[selector][1]:
        if selector in FIELDS:
            del at(want, path[:-1])[path[-1]]
        else:
            put(want, path, at(DOCUMENT, path).replace(value, ""))
    assert out == want
    assert {found.operator for found in findings} == {"drop"}


@pytest.mark.parametrize("more", APPLIES)
@pytest.mark.parametrize("selector", SELECTORS)
def test_block(selector: str, more: str) -> None:
    use = masker(selector, "block", more, **APPLIES[more])  # type: ignore[arg-type]
    raw = json.dumps(DOCUMENT).encode()
    with pytest.raises(Blocked, match="picked") as caught:
        use.body("application/json", raw)
    assert all(value not in str(caught.value) for _, value in SELECTORS[selector][1])
    stream, sent = use.stream("application/json"), b""
    for place in range(len(raw)):
        try:
            sent += stream.feed(raw[place : place + 1])
        except Blocked:
            break
    else:
        raise AssertionError("nothing was blocked")
    assert all(value.encode() not in sent for _, value in SELECTORS[selector][1])


PAN = "4111111111111111"
PARTS = "{partial: last4}"


@pytest.mark.parametrize(
    ("shows", "joins"),
    [
        ("key: pan", "detect: us_ssn"),
        ("path: '$.pan'", "key: other"),
        ("pattern: '[0-9]{16}', name: own", "key: other"),
        ("detect: card", "key: other"),
        ("detect: card", "path: '$.other'"),
        ("detect: card", "pattern: 'x[0-9]{16}', name: own"),
        ("key: pan", "key: other"),
    ],
)
def test_a_card_that_is_shown_in_part_somewhere_has_a_token_nowhere(shows: str, joins: str) -> None:
    text = f"profiles: {{shows: [{{{shows}, operator: {PARTS}}}], joins: [{{{joins}, operator: token}}]}}"
    rules = Ruleset.parse(text, "m.yaml")
    told = []
    for profile in ("shows", "joins"):
        body = json.dumps({"pan": PAN, "other": PAN, "more": f"x{PAN}"}).encode()
        done = rules.masker([profile], keys=KEYS).body("application/json", body)
        told.append(done.data.decode() + str(done.findings))
    assert "*1111" in told[0]
    assert "tok_" not in "".join(told)


def test_tokens_of_cards_stay_where_only_something_else_is_shown_in_part() -> None:
    text = (
        "profiles: {p: [{detect: card, operator: token}, {detect: us_ssn, operator: {partial: last4}},"
        " {detect: bank_account, operator: {partial: last4}}]}"
    )
    use = Ruleset.parse(text, "m.yaml").masker(["p"], keys=KEYS)
    out, findings = use.text(f"card {PAN}, ssn 123-45-6789, account: {PAN}")
    assert out.count("tok_card_") + out.count("tok_bank_account_") == 2
    assert "***-**-6789" in out
    assert "1111" not in out
    assert len(findings) >= 2
