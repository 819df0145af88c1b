import pytest

from masking import entry, operators
from masking.errors import RuleError
from masking.located import load


def read(text: str) -> entry.Entry:
    return entry.read(load(text, "m.yaml"))


def test_a_rule_says_where_it_applies() -> None:
    rule = read("detect: card\nconnection: [ledger, 'pay*']\ndirection: response")
    assert rule.applies("ledger", "response")
    assert rule.applies("payments", "response")
    assert not rule.applies("other", "response")
    assert not rule.applies("ledger", "request")
    assert read("detect: card").applies("", "request")


def test_groups_and_exceptions() -> None:
    names = {detector.name for detector in read("detect: [secrets, card]\nexcept: [jwt, cloud]").detectors}
    assert {"card", "github_token", "private_key"} <= names
    assert not names & {"jwt", "aws_access_key"}


def test_the_cost_of_email_is_a_visible_choice() -> None:
    assert {detector.name for detector in read("detect: email").detectors} == {"email"}
    assert {detector.name for detector in read("detect: email\nstream: exact").detectors} == {"email"}
    assert {detector.name for detector in read("detect: contact\nstream: partial").detectors} == {
        "email_domain",
        "phone",
    }


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("redact", operators.REDACT),
        ("token", operators.TOKEN),
        ("reversible", operators.REVERSIBLE),
        ("drop", operators.DROP),
        ("block", operators.BLOCK),
        ("{partial: last4}", operators.LAST4),
        ("{partial: first6_last4}", operators.FIRST6_LAST4),
        ("{redact: '#'}", operators.Operator("redact", operators.Rank.REDACT, "#")),
    ],
)
def test_operators(text: str, operator: operators.Operator) -> None:
    assert read(f"detect: card\noperator: {text}").operator == operator


def test_versions_change_with_what_a_rule_does() -> None:
    texts = [
        "{pattern: 'E-[0-9]{4}', name: e}",
        "{pattern: 'E-[0-9]{5}', name: e}",
        "{pattern: 'E-[0-9]{4}', name: e, operator: token}",
        "{pattern: 'E-[0-9]{4}', name: e, operator: token, scope: gateway}",
        "{pattern: 'E-[0-9]{4}', name: e, context: 'x'}",
    ]
    versions = [read(text).rules(lambda _: True)[0].version for text in texts]
    assert len(set(versions)) == len(texts)
    assert read(texts[0]).rules(lambda _: True)[0].version == versions[0]
    assert read("key: a").key_rule().version != read("key: b").key_rule().version


def test_patterns_of_one_s_own() -> None:
    (detector,) = read("{pattern: 'EMP-[0-9]{6}', name: employee, ignore_case: true, validate: luhn}").detectors
    assert detector.name == "employee"
    assert detector.ignore_case
    assert detector.validate is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x", "exactly one of"),
        ("detect: card\nkey: a", "exactly one of"),
        ("detect: cards", "no detector or group is called 'cards'"),
        ("detect: card\nstream: partial", "about `email` only"),
        ("detect: card\nignore_case: true", "no meaning"),
        ("detect: card\noperator: hash", "'hash' is none of"),
        ("detect: card\noperator: partial", "say which"),
        ("detect: card\noperator: {partial: first8}", "'first8' is none of"),
        ("detect: card\noperator: {token: x}", "takes no detail"),
        ("detect: card\noperator: {redact: a, partial: last4}", "one name"),
        ("detect: card\ndirection: up", "'up' is none of"),
        ("detect: card\nscope: world", "'world' is none of"),
        ("key: a\nname: Not Good", "a name is"),
        ("path: 'a[x]'", "neither an index"),
        ("pattern: 'a+b'", "needs a name"),
        ("{name: e, pattern: '(?=a)b'}", "look-around"),
        ("{name: e, pattern: '(a)\\1'}", "back references"),
        ("{name: e, pattern: 'a*'}", "matches the empty text"),
        ("{name: e, pattern: 'x{1500}'}", "RE2 refuses it"),
        ("{name: e, pattern: '^a$'}", "anchors"),
        ("{name: e, pattern: 'ab', validate: crc}", "'crc' is none of"),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        read(text)
    assert caught.value.message.startswith("m.yaml:")
