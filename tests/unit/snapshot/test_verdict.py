"""A verdict survives Envoy's metadata, stays under 2 KB, and is refused when it is not ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshot.decision import ApprovalTerms, Bounds, BreakGlass, Effect
from snapshot.verdict import MAX_BYTES, MalformedVerdict, Verdict, VerdictTooLarge, size

FULL = Verdict(
    exchange="0198c0de-0000-7000-8000-000000000000",
    effect=Effect.HOLD,
    connection="ledger",
    kind="http",
    snapshot="sha256:" + "ab" * 32,
    session="s-1",
    issuer="https://issuer.example",
    subject="ledger-agent",
    agent="ledger-agent",
    owner="dave@bank.example",
    masking=("pci", "pii-us"),
    tools_hold=("execute_sql",),
    tools_hide=("drop_database",),
    approval=ApprovalTerms(
        any=("ledger-approvers",),
        all=("risk",),
        quorum=2,
        expires_s=540,
        justification="required",
        justification_from=("requester", "approver"),
        standing=Bounds(20, 28800),
        break_glass=BreakGlass(("on-call",), 2, 600),
        never=("exeat-admins",),
        signature=True,
    ),
    justification="Correction of a booking, grüße",
    rule="ledger_write",
    message="A write to the ledger needs approval.",
    restore=True,
    request_digest="cd" * 32,
    action="http.request",
)


def test_a_full_verdict_returns_as_it_was() -> None:
    assert Verdict.from_metadata(FULL.to_metadata()) == FULL


def test_a_small_verdict_returns_as_it_was() -> None:
    small = Verdict("e", Effect.ALLOW, "c", "http", "s")
    assert Verdict.from_metadata(small.to_metadata()) == small
    assert set(small.to_metadata()) == {"v", "exchange", "effect", "connection", "kind", "snapshot", "record"}


@pytest.mark.parametrize(
    "terms",
    [
        '{"any":["a"],"standing":{"uses":1.5,"seconds":60}}',
        '{"any":["a"],"standing":{"uses":1}}',
        '{"any":["a"],"break_glass":{"any":"on-call"}}',
        '{"any":["a"],"justification_from":["owner"]}',
        '{"any":["a"],"signature":1}',
    ],
)
def test_terms_that_nobody_writes_are_refused(terms: str) -> None:
    with pytest.raises(MalformedVerdict):
        Verdict.from_metadata({**FULL.to_metadata(), "approval": terms})


def test_keys_that_envoy_adds_are_passed_over() -> None:
    assert Verdict.from_metadata({**FULL.to_metadata(), "ext_authz_duration": 12.0}) == FULL


@given(st.text(max_size=4000), st.text(max_size=4000))
def test_prose_is_cut_to_fit_and_the_rest_is_kept(justification: str, message: str) -> None:
    from dataclasses import replace

    wide = replace(FULL, justification=justification, message=message)
    try:
        values = wide.to_metadata()
    except UnicodeEncodeError:
        return
    assert size(values) <= MAX_BYTES
    read = Verdict.from_metadata(values)
    assert replace(read, justification="", message="") == replace(wide, justification="", message="")
    assert message.startswith(read.message.removesuffix("…"))


def test_names_that_do_not_fit_are_an_error() -> None:
    from dataclasses import replace

    with pytest.raises(VerdictTooLarge):
        replace(FULL, tools_hide=tuple(f"a-tool-with-a-long-name-{n}" for n in range(64))).to_metadata()


@pytest.mark.parametrize(
    "change",
    [
        {"v": ""},
        {"v": "2"},
        {"exchange": ""},
        {"effect": "maybe"},
        {"effect": ""},
        {"connection": ""},
        {"snapshot": ""},
        {"masking": "pci"},
        {"masking": "[1]"},
        {"masking": "{}"},
        {"approval": "[]"},
        {"approval": "null"},
        {"approval": '{"quorum":"1"}'},
        {"approval": '{"any":["g"],"extra":1}'},
        {"approval": '{"any":["g"],"wait":"forever"}'},
        {"restore": "yes"},
        {"rule": 7.0},
    ],
)
def test_what_authz_did_not_write_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(MalformedVerdict):
        Verdict.from_metadata({**FULL.to_metadata(), **change})


def test_no_metadata_is_no_verdict() -> None:
    with pytest.raises(MalformedVerdict):
        Verdict.from_metadata({})
