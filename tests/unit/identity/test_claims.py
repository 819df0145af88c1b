"""Claims of a verified token become an identity, or refuse it."""

from typing import Any

import pytest

from identity.claims import Identity, find, identify
from identity.errors import TokenAudience, TokenClaims, TokenExpired
from tests.kit.tokens import ISSUER, NOW, claims, settings


def read(at: int = NOW, issuer: dict[str, Any] | None = None, **changes: Any) -> Identity:
    return identify(claims(**changes), settings(**(issuer or {})), at)


def test_an_agent() -> None:
    assert read() == Identity(
        issuer=ISSUER, subject="research-agent", groups=("research",), agent="research-agent", jti="j-1",
        expires_at=NOW + 600, owner="alice@bank.example", client="research-agent",
    )  # fmt: skip


def test_the_client_is_named_beside_the_agent() -> None:
    """`azp`, else `client_id`, whatever claim names the agent."""
    assert read(azp="app-7").client == "app-7"
    assert read(azp=None, client_id="app-8").client == "app-8"
    assert read(azp=None).client == ""


def test_a_person_who_signed_in() -> None:
    person = read(sub="alice", email="alice@bank.example", auth_time=NOW - 60, amr=["pwd", "otp"], owner=None)
    assert (person.email, person.auth_time, person.amr) == ("alice@bank.example", NOW - 60, ("pwd", "otp"))
    assert person.owner == ""


@pytest.mark.parametrize("verified", [False, "false", None, 0, "yes"])
def test_an_email_that_the_issuer_never_checked_does_not_count(verified: object) -> None:
    found = identify({**claims(email="ceo@bank.example"), "email_verified": verified}, settings(), NOW)
    assert found.email == ""


def test_a_token_may_be_bound_to_a_certificate() -> None:
    assert read(cnf={"x5t#S256": "T" * 43}).cnf == "T" * 43


@pytest.mark.parametrize(
    "cnf",
    [
        {}, {"jkt": "T" * 43}, {"jwk": {}}, {"x5t#S256": "T" * 42}, {"x5t#S256": "T" * 44}, {"x5t#S256": None},
        {"x5t#S256": "T" * 43, "jkt": "T" * 43}, "T" * 43, [], False,
    ],
)  # fmt: skip
def test_a_binding_that_nobody_checks_is_no_bearer_token(cnf: object) -> None:
    with pytest.raises(TokenClaims, match="cnf"):
        read(cnf=cnf)


def test_a_delegated_token_names_the_person_and_the_chain() -> None:
    act = {"sub": "ledger-agent", "act": {"client_id": "planner"}}
    found = read(sub="dave", email="dave@bank.example", act=act, azp=None, owner=None)
    assert (found.act, found.agent, found.owner) == (("ledger-agent", "planner"), "ledger-agent", "dave@bank.example")


def test_the_owner_is_a_subject_where_there_is_no_email() -> None:
    assert read(sub="dave", act={"sub": "bot"}, owner=None).owner == "dave"


@pytest.mark.parametrize("act", ["bot", [], {}, {"sub": ""}, {"sub": 1}, {"sub": "a", "act": 1}])
def test_a_broken_chain_refuses(act: object) -> None:
    with pytest.raises(TokenClaims):
        read(act=act)


def test_a_long_chain_refuses() -> None:
    act: dict[str, Any] = {"sub": "bot"}
    for _ in range(5):
        act = {"sub": "bot", "act": act}
    with pytest.raises(TokenClaims):
        read(act=act)


@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "auth_time"])
@pytest.mark.parametrize(
    "value", ["1700000600", 1700000600.0, 1.7e9, True, [], {}, -1, 10**12, float("nan"), float("inf")]
)
def test_times_are_whole_seconds(name: str, value: object) -> None:
    with pytest.raises(TokenClaims):
        read(**{name: value})


@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "auth_time"])
def test_null_is_not_a_time(name: str) -> None:
    with pytest.raises(TokenClaims):
        identify({**claims(), name: None}, settings(), NOW)


def test_a_token_must_end() -> None:
    with pytest.raises(TokenClaims):
        read(exp=None)


@pytest.mark.parametrize(("at", "good"), [(NOW + 600, True), (NOW + 629, True), (NOW + 630, False), (NOW, True)])
def test_the_end_allows_for_skew(at: int, good: bool) -> None:
    if good:
        read(at)
    else:
        with pytest.raises(TokenExpired):
            read(at)


@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_token_of_the_future_waits(name: str) -> None:
    read(**{name: NOW + 30})
    with pytest.raises(TokenExpired):
        read(**{name: NOW + 31})


@pytest.mark.parametrize("audience", ["exeat", ["exeat"], ["other", "exeat"]])
def test_our_audience(audience: object) -> None:
    read(aud=audience)


@pytest.mark.parametrize(
    "audience",
    [
        "other", "exeat-people", "exeat ", "Exeat", "exeat,other", "", None, 1, True,
        [], [["exeat"]], ["exeat", 1], {"exeat": 1},
    ],
)  # fmt: skip
def test_other_audiences_and_forms_of_it(audience: object) -> None:
    with pytest.raises(TokenAudience):
        read(aud=audience)


@pytest.mark.parametrize("subject", [None, "", 1, ["a"], {"a": 1}, "x" * 257, "a\nb", "a\0b", "a\u202eb"])
def test_a_subject_is_a_line_of_text(subject: object) -> None:
    with pytest.raises(TokenClaims):
        read(sub=subject)


@pytest.mark.parametrize("groups", [1, {"a": 1}, ["a", 1], ["a", ""], [["a"]], ["g"] * 501])
def test_groups_are_texts(groups: object) -> None:
    with pytest.raises(TokenClaims):
        read(groups=groups)


def test_groups_may_be_one_text_or_none() -> None:
    assert read(groups="research").groups == ("research",)
    assert read(groups=None).groups == ()


@pytest.mark.parametrize("elsewhere", [{"hasgroups": True}, {"_claim_names": {"groups": "src1"}}])
def test_groups_that_are_left_out_refuse(elsewhere: dict[str, Any]) -> None:
    with pytest.raises(TokenClaims, match="too many"):
        read(groups=None, **elsewhere)


def test_claims_stand_where_the_settings_say() -> None:
    paths = {"subject": "oid", "groups": "realm_access.roles", "agent": "https://bank.example/agent"}
    told = {"oid": "o-1", "realm_access": {"roles": ["r"]}, "https://bank.example/agent": "bot"}
    found = read(issuer={"claims": paths}, **told)
    assert (found.subject, found.groups, found.agent) == ("o-1", ("r",), "bot")


def test_client_id_names_the_agent_where_azp_does_not() -> None:
    assert read(azp=None, client_id="bot").agent == "bot"


def test_a_path_that_leads_nowhere_finds_nothing() -> None:
    assert find({"a": {"b": 1}}, "a.b.c") is None
    assert find({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert find({"a": 1}, "") is None


def test_names_in_a_path_may_hold_dots() -> None:
    claims = {"kubernetes.io": {"serviceaccount": {"name": "bot"}}, "kubernetes": {"io": 1}}
    assert find(claims, "kubernetes.io.serviceaccount.name") == "bot"
    assert find({"a": {"b.c": 1}, "a.b": {"d": 2}}, "a.b.c") == 1
