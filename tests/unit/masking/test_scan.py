import pytest

from masking import operators
from masking.detector import Detector
from masking.errors import Blocked
from masking.finding import Findings
from masking.scan import Rule, Scanner
from masking.select import KeyRule, Selection
from masking.text import mask_text
from tests.kit.masked_texts import KEYS, usual, whole

NUMBER = Detector("number", r"\b[0-9]{4}\b", (), ())
LONGER = Detector("longer", r"\b[0-9]{4}-[0-9]{2}\b", (), ())
SAID = Detector("said", r"[0-9]{4}\b", (), (), context="pin ")


def scanner(*rules: Rule, tweak: bytes = b"") -> Scanner:
    return Scanner(rules, KEYS, tweak=tweak)


def rule(detector: Detector, operator: operators.Operator = operators.REDACT, **more: bool) -> Rule:
    return Rule(detector.name, "1", detector, operator, **more)


def masked(which: Scanner, text: bytes) -> bytes:
    return whole(which, text)[0]


def test_the_longest_match_is_masked_by_the_strictest_operator() -> None:
    assert masked(scanner(rule(NUMBER), rule(LONGER)), b"1234-56 1234") == b"[LONGER] [NUMBER]"
    assert masked(scanner(rule(NUMBER), rule(LONGER, operators.LAST4)), b"1234-56") == b"[NUMBER]"
    assert masked(scanner(rule(NUMBER, operators.LAST4), rule(LONGER)), b"1234-56") == b"[LONGER]"


def test_what_is_also_a_longer_address_is_named_by_the_other() -> None:
    address = Detector("address", r"\b[0-9]{4}-[0-9]{2}\b", ("contact",), ())
    for rules in ((rule(NUMBER), rule(address)), (rule(address), rule(NUMBER))):
        assert masked(scanner(*rules), b"1234-56, 1234") == b"[NUMBER], [NUMBER]"
    assert masked(scanner(rule(address), rule(NUMBER, operators.LAST4)), b"1234-56") == b"[ADDRESS]"


def test_a_second_secret_that_begins_inside_the_first_is_masked_to_its_end() -> None:
    first = Detector("first", "ab+c", (), ())
    second = Detector("second", "c[0-9]{3}", (), ())
    assert masked(scanner(rule(first), rule(second)), b"xabbc123y") == b"x[FIRST][SECOND]y"


def test_a_value_needs_its_context() -> None:
    which = scanner(rule(SAID))
    assert masked(which, b"pin 1234, pan 1234") == b"pin [SAID], pan 1234"


def test_blocking_says_which_rule_and_nothing_else() -> None:
    sink = Findings()
    with pytest.raises(Blocked, match="number") as caught:
        mask_text(scanner(rule(NUMBER, operators.BLOCK)), "$", sink, b"so 1234")
    assert "1234" not in str(caught.value)
    assert [found.operator for found in sink.take()] == ["block"]


def test_blocking_counts_inside_what_is_masked_already() -> None:
    wide = Detector("wide", "<[^>]{1,20}>", (), ())
    with pytest.raises(Blocked):
        masked(scanner(rule(wide), rule(NUMBER, operators.BLOCK)), b"<a 1234 b>")


def test_tokens_are_tied_to_the_session_unless_the_rule_says_otherwise() -> None:
    tied, free = rule(NUMBER, operators.TOKEN), rule(NUMBER, operators.TOKEN, session=False)
    assert masked(scanner(tied, tweak=b"a"), b"1234") != masked(scanner(tied, tweak=b"b"), b"1234")
    assert masked(scanner(free, tweak=b"a"), b"1234") == masked(scanner(free, tweak=b"b"), b"1234")


def test_findings_carry_the_token_that_stands_in_the_text() -> None:
    out, found = whole(scanner(rule(NUMBER, operators.TOKEN)), b"1234")
    assert found[0].token.encode() == out
    assert whole(scanner(rule(NUMBER)), b"1234")[1][0].token == found[0].token
    assert whole(scanner(rule(NUMBER, telling=False)), b"1234")[1][0].token == ""


def test_what_was_seen_only_in_part_gets_no_token() -> None:
    run = Detector("run", r"\bk_[a-z]{4,}", (), ())
    out, found = whole(scanner(rule(run, operators.TOKEN)), b"k_" + b"a" * 500)
    assert out == b"[RUN]"
    assert found[0].token == ""
    assert whole(scanner(rule(run, operators.TOKEN)), b"k_abcdef.")[0].startswith(b"tok_run_")


def test_candidate_is_quick_and_never_says_no_wrongly() -> None:
    assert usual().candidate(b'"routing":"021000021"')
    assert usual().candidate(b"4111 1111 1111 1111")
    assert not usual().candidate(b"nothing of that kind")


def test_alive_is_the_first_byte_that_may_become_a_secret() -> None:
    which = scanner(rule(NUMBER), rule(SAID))
    assert which.alive(b"abc 12") == 4
    assert which.alive(b"abc x") == 5
    assert which.alive(b"abc 12", 6) == 6


def test_key_rules_mask_whole_values() -> None:
    drop = KeyRule("gone", "1", keys=("gone",), operator=operators.DROP)
    keep4 = KeyRule("acct", "1", keys=("acct",), operator=operators.LAST4)
    which = Scanner((), KEYS, selection=Selection((drop, keep4)))
    sink = Findings()
    assert which.has_key_rules
    assert not which.has_path_rules
    assert which.key_rule("gone", ("gone",)) is drop
    assert which.apply(drop, b"anything", "$.gone", sink).drop
    assert which.apply(keep4, b"12345678", "$.acct", sink).data == b"****5678"
    assert [(each.rule, each.where, each.count) for each in sink.take()] == [
        ("gone", "$.gone", 1),
        ("acct", "$.acct", 1),
    ]


def test_a_scanner_without_rules_lets_everything_go() -> None:
    assert masked(scanner(), b"4111111111111111") == b"4111111111111111"
    assert not scanner().candidate(b"4111111111111111")
    assert scanner().alive(b"4111") == 4


APART = Detector("apart", "[a-z]{1,20}@[a-z]{2}", (), (), apart="[a-z]")


def test_a_run_has_one_start() -> None:
    which = scanner(rule(APART), rule(NUMBER))
    assert masked(which, b"1234abc@de 1234 xyz@ab") == b"1234[APART] [NUMBER] [APART]"
    assert masked(which, b"a" * 21 + b"@de") == b"a" * 21 + b"@de"
    assert which.alive(b"so: ab") == 4
    assert which.alive(b"a" * 40) == 40 - which.combined.widest  # lengths are loose while it is alive
    assert which.next_plain(b"abc@de", 0) == 0
    assert which.next_plain(b"-abc@de", 0) == 1
    assert which.next_plain(b"-abc@de", 2) == 7
