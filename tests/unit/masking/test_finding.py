from masking.detector import Detector
from masking.finding import ELSEWHERE, MOST_FINDINGS, Finding, Findings
from masking.scan import Rule

RULE = Rule("card", "1a", Detector("card", "4", (), ()))


def test_equal_hits_add_up_in_the_order_of_the_first() -> None:
    findings = Findings()
    findings.add(RULE, "$.b", token="t1")
    findings.add(RULE, "$.a")
    findings.add(RULE, "$.b", token="t1")
    assert len(findings) == 2
    assert findings.take() == [
        Finding("card", "1a", "$.b", "redact", 2, "t1"),
        Finding("card", "1a", "$.a", "redact", 1),
    ]
    assert findings.take() == []


def test_a_flood_of_different_hits_stays_a_short_list() -> None:
    findings = Findings()
    for at in range(MOST_FINDINGS + 1000):
        findings.add(RULE, f"$[{at}]", token=f"t{at}")
    taken = findings.take()
    assert len(taken) == MOST_FINDINGS + 1
    assert taken[-1] == Finding("card", "1a", ELSEWHERE, "redact", 1000)


def test_once_a_list_is_full_hits_are_counted_by_rule_alone_until_it_is_taken() -> None:
    findings = Findings()
    for at in range(MOST_FINDINGS):
        assert not findings.full
        findings.add(RULE, f"$[{at}]", token=f"t{at}")
    assert findings.full
    findings.add(RULE, "$[0]", token="t0")
    first, *_, last = findings.take()
    assert (first.count, last) == (1, Finding("card", "1a", ELSEWHERE, "redact", 1))
    findings.add(RULE, "$[0]", token="t0")
    assert findings.take() == [Finding("card", "1a", "$[0]", "redact", 1, "t0")]
