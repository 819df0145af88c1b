"""Where a rule's text is, and what differs."""

from console.web.site.policies import find_rule, marked_lines
from snapshot import repository
from snapshot.repository import Repository
from tests.kit.gateway import POLICIES


def test_rules_of_the_example_repository_are_found_where_they_are_named() -> None:
    policies = repository.read(POLICIES)
    for rule in ("ledger_write", "no_role", "default_deny", "model_tier", "secret_in_request"):
        place = find_rule(policies, rule)
        assert place, rule
        path, line = place
        assert rule in policies.text(path).splitlines()[line - 1]
        assert not path.endswith("_test.rego")
    assert find_rule(policies, "nobody") is None
    assert find_rule(policies, ".*") is None


def test_a_longer_name_is_another_rule() -> None:
    policies = Repository({"a.rego": b'x := {"rule": "ledger_write_late"}\ny := {"rule": "ledger_write"}\n'})
    assert find_rule(policies, "ledger_write") == ("a.rego", 2)


def test_differences_carry_their_sign() -> None:
    found = marked_lines(["a", "b"], ["a", "c"])
    assert ("minus", "-b") in found
    assert ("plus", "+c") in found
