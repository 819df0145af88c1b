import json

import pytest

from masking import Finding, Masked, Ruleset
from masking.finding import ELSEWHERE, MOST_FINDINGS
from tests.kit.masked_texts import KEYS

RULES = """
profiles:
  jumps:
    - detect: us_ssn
    - detect: card
      operator: token
    - key: pin
  reads all: [{include: jumps}, {path: "[*].note", name: note}]
"""
MORE = MOST_FINDINGS + 50


def ssn(at: int) -> str:
    return f"219-09-{1000 + at}"


def masked(profile: str, rows: list[dict[str, str]]) -> Masked:
    return Ruleset.parse(RULES, "m").masker([profile], keys=KEYS).body("application/json", json.dumps(rows).encode())


@pytest.mark.parametrize("profile", ["jumps", "reads all"])
def test_what_is_found_beyond_the_findings_that_are_told_is_masked_all_the_same(profile: str) -> None:
    rows = [{"id": ssn(at), "card": "4111111111111111", "pin": f"{at}", "note": "a"} for at in range(MORE)]
    shown = [list(row.values()) for row in json.loads(masked(profile, rows).data)]
    assert len(shown) == MORE
    assert shown[0][0] == "[US_SSN]"
    assert str(shown[0][1]).startswith("tok_card_")
    assert shown[0][2] == "[KEY]"
    assert shown[0][3] == ("a" if profile == "jumps" else "[NOTE]")
    assert all(row == shown[0] for row in shown)


def test_the_first_findings_are_told_with_their_place_and_the_others_by_their_rule() -> None:
    *told, last = masked("jumps", [{"name": "x", "id": ssn(at)} for at in range(MORE)]).findings
    assert {found.where for found in told} == {"$[*].id"}
    assert len({found.token for found in told}) == MOST_FINDINGS
    assert last == Finding("us_ssn", told[0].version, ELSEWHERE, "redact", MORE - MOST_FINDINGS)
