import pytest

from masking import operators
from masking.select import KeyRule, Selection, normal, parse_path, path_matches


@pytest.mark.parametrize("name", ["Card-Number", "card_number", "cardNumber", "CARD NUMBER"])
def test_spelling_does_not_hide_a_field(name: str) -> None:
    assert normal(name) == "cardnumber"


@pytest.mark.parametrize(
    ("pattern", "path", "want"),
    [
        ("$.customer.ssn", ("customer", "ssn"), True),
        ("$.customer.ssn", ("x", "customer", "ssn"), False),
        ("customer.ssn", ("x", "customer", "ssn"), True),
        ("accounts[*].number", ("data", "accounts", 3, "number"), True),
        ("accounts[0].number", ("accounts", 1, "number"), False),
        ("accounts[0].number", ("accounts", 0, "number"), True),
        ("$..iban", ("a", 1, "b", "iban"), True),
        ("$..iban", ("iban",), True),
        ("$.a.*.c", ("a", "b", "c"), True),
        ("$.a.*.c", ("a", "c"), False),
        ("$['odd name'].x", ("odd name", "x"), True),
        ("ssn", ("ssn", "deeper"), False),
    ],
)
def test_paths(pattern: str, path: tuple[str | int, ...], want: bool) -> None:
    assert path_matches(parse_path(pattern), path) is want


@pytest.mark.parametrize("text", ["", "$", "a..", "a[", "a[]", "a[x]", "a..b.", "[-1]"])
def test_malformed_paths(text: str) -> None:
    with pytest.raises(ValueError, match=r"path|neither|name"):
        parse_path(text)


def test_many_double_stars_stay_linear() -> None:
    pattern = parse_path("$" + "..a" * 50)
    assert path_matches(pattern, ("a",) * 50)
    assert not path_matches(pattern, ("a",) * 49)
    assert not path_matches(pattern, ("b",) * 3000)


def test_the_strictest_rule_for_a_field_wins() -> None:
    lax = KeyRule("lax", "1", keys=("ssn",), operator=operators.LAST4)
    strict = KeyRule("strict", "1", keys=("*ssn",))
    block = KeyRule("block", "1", paths=(parse_path("$.vault.ssn"),), operator=operators.BLOCK)
    selection = Selection((lax, strict, block))
    assert selection.has_keys
    assert selection.has_paths
    assert selection.find("SSN", ("x", "SSN")) is strict
    assert selection.find("ssn", ("vault", "ssn")) is block
    assert selection.find("customer_ssn", ("customer_ssn",)) is strict
    assert selection.find("name", ("name",)) is None
    assert Selection(()).find("ssn", ("ssn",)) is None


def test_hostile_field_names_are_not_all_remembered() -> None:
    selection = Selection((KeyRule("k", "1", keys=("x*",)),))
    for at in range(10_000):
        selection.find(f"n{at}", ())
    assert len(selection._known) < 5000
    assert selection.find("xyz", ()) is not None
