"""One policy, two engines: the embedded engine and a real OPA server give the same answers over REST."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snapshot import layout, repository
from snapshot.decision import MalformedDecision
from snapshot.engine_client import OpaEngine, PolicyFailed, UndefinedDecision
from snapshot.sample import STRANGER, merged
from tests.kit import more, policies
from tests.kit.corpus import CorpusCase, corpus
from tests.kit.engine import EngineProcess, engine, publish
from tests.kit.opa import OpaServer, opa_server

STARTER = Path(__file__).resolve().parents[2] / "policies"
pytestmark = pytest.mark.more
STRICT = "?strict-builtin-errors=true"


@pytest.fixture(scope="module")
def server() -> Iterator[OpaServer]:
    with opa_server(more.opa()) as running:
        yield running


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case.description)
def test_corpus(server: OpaServer, case: CorpusCase) -> None:
    """The same cases, with the same outcomes, as tests/component/test_engine_corpus.py."""
    status, answer = server.ask("PUT", "/v1/policies/p.rego", case.module.encode(), "text/plain")
    if case.outcome == "refused":
        assert status == 400
        assert case.value in json.dumps(answer)
        return
    assert status == 200, answer
    body = json.dumps({"input": case.input}).encode()
    status, answer = server.ask("POST", f"/v1/data/p/{case.ask}{STRICT}", body)
    if case.outcome == "fails":
        assert status == 500
        assert case.value in json.dumps(answer)
    else:
        assert status == 200
        assert answer.get("result") == (None if case.outcome == "undefined" else case.value)
        assert ("result" in answer) == (case.outcome == "want")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EngineProcess, OpaServer]]:
    """The starter repository, as it is published, in both."""
    state = tmp_path_factory.mktemp("state")
    revision = repository.read(STARTER)
    folder = layout.write(state, revision, "")
    layout.move_current(state, revision.digest)
    with (
        engine(state, None, deadline_ms=10_000) as ours,
        opa_server(more.opa(), "--bundle", str(folder / "bundle")) as theirs,
    ):
        ours.until_ready()
        yield ours, theirs


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
).filter(lambda value: "\\ud" not in json.dumps(value))  # lone surrogates: an error here, another character there
FINDINGS = st.lists(
    st.fixed_dictionaries(
        {"rule": st.sampled_from(["card", "email", "private_key", "secret_ledger"]), "where": st.just("$")},
        optional={"count": st.integers(0, 6)},
    ),
    max_size=3,
)
STATEMENTS = st.lists(
    st.fixed_dictionaries({"verb": st.sampled_from(["select", "SELECT", "insert", "unparsable", "show"])}), max_size=3
)
ACTIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("llm.generate"),
            "model": st.sampled_from(["claude-sonnet-4-5", "claude-opus-4-5", "gpt-5", "gpt-5-pro", "gpt-5.1", ""]),
        }
    ),
    st.fixed_dictionaries({"kind": st.just("http.request")}),
    st.fixed_dictionaries({"kind": st.just("sql.query"), "sql": st.fixed_dictionaries({"statements": STATEMENTS})}),
)
INPUTS = st.fixed_dictionaries(
    {
        "identity": st.fixed_dictionaries(
            {"groups": st.lists(st.sampled_from(["research", "finance", "ledger-approvers", "x"]), max_size=3)}
        ),
        "connection": st.fixed_dictionaries(
            {
                "name": st.sampled_from(["anthropic", "openai", "ledger", "elsewhere"]),
                "kind": st.sampled_from(["anthropic", "openai", "http"]),
                "risk": st.sampled_from(["low", "standard", "high", "critical", "whatever"]),
            }
        ),
        "request": st.fixed_dictionaries({"method": st.sampled_from(["GET", "HEAD", "POST", "DELETE", "get"])}),
        "action": ACTIONS,
        "findings": FINDINGS,
    }
).map(lambda value: merged(STRANGER, value))


def spoil(value: dict[str, Any], way: list[str], by: Any) -> dict[str, Any]:
    """`value` with what stands at `way` replaced."""
    head, *rest = way
    return {**value, head: spoil(value[head], rest, by) if rest else by}


WAYS = [
    ["identity"],
    ["identity", "groups"],
    ["connection", "name"],
    ["request"],
    ["action"],
    ["findings"],
    ["action", "kind"],
]
SPOILT = st.builds(spoil, INPUTS, st.sampled_from(WAYS), JSON)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_input=INPUTS | SPOILT)
def test_the_starter_decides_alike(both: tuple[EngineProcess, OpaServer], given_input: dict[str, Any]) -> None:
    ours, theirs = both
    body = json.dumps({"input": given_input}).encode()
    status, answer = ours.post("/v1/data/exeat/decision", body)
    their_status, their_answer = theirs.ask("POST", f"/v1/data/exeat/decision{STRICT}", body)
    assert status == their_status, (answer, their_answer)
    if status == 200:
        assert _canonical(answer) == _canonical(their_answer)
    else:
        assert answer["errors"][0]["code"] == their_answer["errors"][0]["code"]


async def test_the_client_is_the_same_for_both(both: tuple[EngineProcess, OpaServer]) -> None:
    given_input = merged(
        STRANGER, {"connection": {"name": "ledger", "risk": "high"}, "identity": {"groups": ["finance"]}}
    )
    decisions = []
    for url in (both[0].url, both[1].url):
        async with OpaEngine(url, 10_000) as client:
            decisions.append(await client.decide(given_input))
            with pytest.raises(PolicyFailed):
                await client.decide({**given_input, "action": {"kind": 7}})
    assert decisions[0] == decisions[1]
    assert decisions[0].snapshot == repository.read(STARTER).digest


async def test_an_opa_without_the_policy_is_a_refusal(server: OpaServer) -> None:
    async with OpaEngine(server.url, 10_000) as client:
        with pytest.raises((UndefinedDecision, MalformedDecision)):
            await client.decide({})


def test_a_running_opa_follows_the_snapshots(tmp_path: Path) -> None:
    first = publish(tmp_path, policies.FILES)
    with opa_server(more.opa(), "--watch", "--bundle", str(tmp_path / "opa/bundle.tar.gz")) as server:
        assert server.ask("GET", "/v1/data/snapshot/digest")[1] == {"result": first}
        for number in range(3):
            digest = publish(tmp_path, {**policies.FILES, "data/more.yaml": f"number: {number}"})
            deadline = time.monotonic() + 20
            while server.ask("GET", "/v1/data/snapshot/digest")[1] != {"result": digest}:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert server.ask("GET", "/v1/data/more/number")[1] == {"result": number}


def test_what_is_not_json_and_what_is_missing(both: tuple[EngineProcess, OpaServer]) -> None:
    ours, theirs = both
    for path, body in (
        ("/v1/data/exeat/decision", b"{"),
        ("/v1/data/exeat/decision", b"[]"),
        ("/v1/data/exeat/nowhere", b'{"input": {}}'),
        ("/v1/data/roles/research", b"{}"),
        ("/v1/data/limits/cards/most", b'{"input": null}'),
        ("/v1/data/models/standard/0", b""),
        ("/v1/data/%22x", b"{}"),
    ):
        status, answer = ours.post(path, body)
        their_status, their_answer = theirs.ask("POST", path + STRICT, body)
        assert (status, answer.get("result"), answer.get("code"), answer.get("warning")) == (
            their_status, their_answer.get("result"), their_answer.get("code"), their_answer.get("warning"),
        ), path  # fmt: skip


def _canonical(answer: Any) -> str:
    return json.dumps(answer, sort_keys=True)
