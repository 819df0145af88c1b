import pytest

from masking.errors import RuleError, UnknownProfile
from masking.finding import Findings
from masking.rules import Ruleset
from masking.text import mask_text
from tests.kit.masked_texts import KEYS

TEXT = """
profiles:
  floor:
    - detect: [card, secrets]
    - key: [password]
      name: password
  support:
    - include: floor
    - detect: card
      operator: {partial: last4}
    - detect: us_ssn
      operator: {partial: last4}
  strict:
    - detect: us_ssn
      connection: ledger
    - detect: email
      direction: request
"""


def masked(rules: Ruleset, profiles: list[str], text: bytes, **where: str) -> bytes:
    return mask_text(rules.scanner(profiles, keys=KEYS, **where), "$", Findings(), text, closed=True)  # type: ignore[arg-type]


def test_a_profile_is_a_list_of_rules() -> None:
    rules = Ruleset.parse(TEXT, "masking.yaml")
    assert rules.profiles == {"floor", "support", "strict"}
    assert masked(rules, ["floor"], b"4111111111111111 123-45-6789") == b"[CARD] 123-45-6789"
    assert rules.scanner(["floor"], keys=KEYS).key_rule("Password", ("Password",)) is not None


def test_no_profile_weakens_another() -> None:
    rules = Ruleset.parse(TEXT, "masking.yaml")
    text = b"4111111111111111 123-45-6789"
    assert masked(rules, ["support"], text) == b"[CARD] ***-**-6789"  # it includes floor, which redacts cards
    assert masked(rules, ["support", "floor"], text) == masked(rules, ["floor", "support"], text)
    assert masked(rules, ["support", "strict"], text, connection="ledger") == b"[CARD] [US_SSN]"
    assert masked(rules, ["support", "strict"], text, connection="other") == b"[CARD] ***-**-6789"


def test_rules_apply_by_direction() -> None:
    rules = Ruleset.parse(TEXT, "masking.yaml")
    assert masked(rules, ["strict"], b"a@b.example", direction="request") == b"[EMAIL]"
    assert masked(rules, ["strict"], b"a@b.example", direction="response") == b"a@b.example"


def test_the_gateway_s_own_secrets_never_come_back() -> None:
    rules = Ruleset.parse(TEXT, "masking.yaml", secrets={"ledger-key": r"lk-[a-z0-9]{12}"})
    assert masked(rules, ["strict"], b"echo lk-abcdefabcdef!") == b"echo [SECRET_LEDGER_KEY]!"
    assert masked(rules, [], b"echo lk-abcdefabcdef!") == b"echo [SECRET_LEDGER_KEY]!"


def test_a_secret_s_pattern_is_checked_too() -> None:
    with pytest.raises(RuleError, match=r"exeat\.toml:1: secrets\.x\.pattern: look-around"):
        Ruleset.parse(TEXT, "masking.yaml", secrets={"x": "(?!a)b"})


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UnknownProfile, match="nope"):
        Ruleset.parse(TEXT, "masking.yaml").scanner(["floor", "nope"], keys=KEYS)


def test_scanners_of_one_choice_share_what_they_compile() -> None:
    rules = Ruleset.parse(TEXT, "masking.yaml")
    one = rules.scanner(["floor"], keys=KEYS, tweak=b"1")
    two = rules.scanner(["floor"], keys=KEYS, tweak=b"2")
    assert one.combined is two.combined


BOTH = """
profiles:
  show:
    - detect: card
      operator: {partial: last4}
  join:
    - detect: pci
      operator: token
"""


def test_parts_and_tokens_of_card_numbers_never_meet_in_one_store() -> None:
    with pytest.raises(RuleError, match=r"m\.yaml:7: tokens of card numbers here and parts of them in line 4"):
        Ruleset.parse(BOTH, "m.yaml")
    with pytest.raises(RuleError):
        Ruleset.parse(BOTH.replace("operator: token", "operator: reversible"), "m.yaml")


def test_where_cards_are_shown_in_part_findings_carry_no_token_of_them() -> None:
    rules = Ruleset.parse(TEXT, "masking.yaml")
    for profile in ("floor", "support"):
        sink = Findings()
        mask_text(rules.scanner([profile], keys=KEYS), "$", sink, b"4111111111111111")
        assert [found.token for found in sink.take()] == [""]
    alone = Ruleset.parse("profiles: {floor: [{detect: card}]}", "m.yaml")
    sink = Findings()
    mask_text(alone.scanner(["floor"], keys=KEYS), "$", sink, b"4111111111111111")
    assert sink.take()[0].token.startswith("tok_card_")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: {}", "m.yaml:1: 'profile' has no meaning here"),
        ("version: 1", "m.yaml:1: a masking file has `profiles`"),
        ("profiles: {a: [{include: b}]}", "m.yaml:1: no profile is called 'b'"),
        ("profiles:\n  a:\n    - include: b\n  b:\n    - include: a", "includes itself"),
        ("profiles:\n  a:\n    - include: a", "m.yaml:3: profile 'a' includes itself"),
        ("profiles:\n  a:\n    - detect: card\n      operator: sha256", "m.yaml:4: 'sha256' is none of"),
        ("profiles:\n  a:\n    - pattern: '(?<=a)b'\n      name: x", "m.yaml:3: rule 'x': look-around"),
        ("profiles:\n  a:\n    - pattern: 'a\\bb'\n      name: x", "m.yaml:3: rule 'x': it can never match"),
        (
            "profiles:\n  a:\n    - {name: x, pattern: '\\b4', context: '[a-z]'}",
            "m.yaml:3: rule 'x': it can never match",
        ),
        (
            "profiles:\n  a:\n    - {name: x, pattern: '4', context: 'a\\bb'}",
            "m.yaml:3: rule 'x': context: it can never",
        ),
        (
            "profiles:\n  a:\n    - {name: x, pattern: '4', context: '(?=a)b'}",
            "m.yaml:3: rule 'x': context: look-around",
        ),
    ],
)
def test_mistakes_are_named_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        Ruleset.parse(text, "m.yaml")
