from masking.errors import BadKeys, Blocked, PatternRefused, RuleError, Uninspectable, UnknownProfile
from runtime.errors import CallerError, GatewayError


def test_whose_fault_it_is() -> None:
    assert {type_.code for type_ in (Uninspectable, Blocked)} == {"uninspectable", "blocked"}
    assert all(issubclass(type_, CallerError) for type_ in (Uninspectable, Blocked))
    assert all(issubclass(type_, GatewayError) for type_ in (RuleError, PatternRefused, UnknownProfile, BadKeys))


def test_messages_say_where_and_what() -> None:
    error = RuleError("masking.yaml", 7, "no such thing")
    assert error.message == "masking.yaml:7: no such thing"
    assert (error.filename, error.line, error.reason) == ("masking.yaml", 7, "no such thing")
    assert Blocked("card").rule == "card"
    assert "'pci'" in UnknownProfile("pci").message
