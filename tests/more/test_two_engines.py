"""The embedded engine's process and a real OPA server behind the client that authz uses: the same decision, or the
same refusal, for the traps of Rego, for the starter repository's own cases, and for inputs that nobody thought of."""

import asyncio
import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import GatewayError
from snapshot import bundle as bundles
from snapshot import layout, repository
from snapshot.cases import Case, parse_cases
from snapshot.decision import Decision
from snapshot.engine_client import OpaEngine, PolicyFailed, UndefinedDecision
from snapshot.sample import merged
from tests.kit import more, policies
from tests.kit.corpus import CorpusCase, corpus
from tests.kit.engine import engine, publish
from tests.kit.opa import opa_server

pytestmark = pytest.mark.more
STARTER = Path(__file__).resolve().parents[2] / "policies"
DEADLINE_MS = 10_000
Urls = tuple[str, str]


async def both(urls: Urls, given_input: Mapping[str, Any]) -> list[Decision | type[GatewayError]]:
    """What each engine decides: a decision, or the kind of refusal."""
    return [await outcome(url, given_input) for url in urls]


async def outcome(url: str, given_input: Mapping[str, Any]) -> Decision | type[GatewayError]:
    async with OpaEngine(url, DEADLINE_MS) as client:
        try:
            return await client.decide(given_input)
        except GatewayError as error:
            return type(error)


# traps: what other implementations of Rego get wrong (tests/component/engine_corpus)

TRAPS = {f"c{number}": case for number, case in enumerate(corpus()) if case.outcome != "refused"}


def wrapper() -> str:
    """One decision for all traps: `input.case` says which, its value rides in the message."""
    rules = [
        f'value := found if {{ input.case == "{name}"; found := data.{name}.{case.ask} with input as input.given }}'
        for name, case in TRAPS.items()
    ]
    said = "base64.encode(json.marshal(value))"
    decision = (
        f'{{"effect": "deny", "snapshot": data.snapshot.digest, "reasons": [{{"rule": "r", "message": {said}}}]}}'
    )
    return "\n\n".join(["package exeat", *rules, f"decision := {decision}", ""])


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    state = tmp_path_factory.mktemp("traps")
    modules = {f"{name}.rego": case.module.replace("package p\n", f"package {name}\n") for name, case in TRAPS.items()}
    binary, files = more.opa(), {**policies.FILES, "p.rego": wrapper(), **modules}
    with (
        engine(state, files, deadline_ms=DEADLINE_MS) as ours,
        opa_server(binary, "--bundle", archive(state)) as theirs,
    ):
        yield ours.url, theirs.url


def archive(state: Path) -> str:
    return str(state / "opa" / "bundle.tar.gz")


@pytest.mark.parametrize("name", TRAPS, ids=lambda name: TRAPS[name].description)
async def test_a_trap(traps: Urls, name: str) -> None:
    case = TRAPS[name]
    ours, theirs = await both(traps, {"case": name, "given": case.input})
    assert ours == theirs
    assert _told(ours) == _wanted(case)


def _told(decided: Decision | type[GatewayError]) -> Any:
    return json.loads(base64.b64decode(decided.reasons[0].message)) if isinstance(decided, Decision) else decided


def _wanted(case: CorpusCase) -> Any:
    return {"want": case.value, "undefined": UndefinedDecision, "fails": PolicyFailed}[case.outcome]


PIECES = ["drop", "DROP", "Drop it", " ", "\n", "\t", "table", "begin", "end", "delete", "secret", "É", "ß", '"', "\\"]
TEXTS = st.lists(st.sampled_from([*PIECES, "\x00", "\u2028", "\U0001f600"]) | st.text(max_size=3), max_size=8).map(
    "".join
)


@settings(max_examples=25, deadline=None)
@given(text=TEXTS, number=st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3))
def test_the_traps_with_any_text(traps: Urls, text: str, number: object) -> None:
    async def ask() -> None:
        for name in TRAPS:
            given_input = {"case": name, "given": {"text": text, "number": number, "name": text, "numbers": [number]}}
            ours, theirs = await both(traps, given_input)
            assert ours == theirs, TRAPS[name].description

    asyncio.run(ask())


# the starter repository

REVISION = repository.read(STARTER)
CASES: list[Case] = [
    case for path in REVISION.files if "cases/" in path for case in parse_cases(REVISION.text(path), path)
]


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    state = tmp_path_factory.mktemp("starter")
    binary, files = more.opa(), {path: content.decode() for path, content in REVISION.files.items()}
    with (
        engine(state, files, deadline_ms=DEADLINE_MS) as ours,
        opa_server(binary, "--bundle", archive(state)) as theirs,
    ):
        yield ours.url, theirs.url


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}:{case.line}")
async def test_a_case_of_the_repository(starter: Urls, case: Case) -> None:
    ours, theirs = await both(starter, case.input)
    assert isinstance(ours, Decision)
    assert ours == theirs
    assert ours.effect == case.want.get("effect", ours.effect)
    assert ours.snapshot == REVISION.digest


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def altered(draw: st.DrawFn) -> Mapping[str, Any]:
    """A case's input with parts of other cases over it, and sometimes one value replaced by anything."""
    found = draw(st.sampled_from(CASES)).input
    for part in draw(
        st.lists(st.sampled_from(["identity", "connection", "action", "findings", "request"]), max_size=3)
    ):
        found = merged(found, {part: draw(st.sampled_from(CASES)).input[part]})
    if draw(st.booleans()):
        way = draw(st.sampled_from(sorted(ways(found))))
        found = replaced(found, way, draw(VALUES))
    return found


def ways(value: Any, *, so_far: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every place in the input that is reached by keys."""
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        yield (*so_far, key)
        yield from ways(inner, so_far=(*so_far, key))


def replaced(value: Mapping[str, Any], way: tuple[str, ...], by: Any) -> Mapping[str, Any]:
    head, *rest = way
    return {**value, head: replaced(value[head], tuple(rest), by) if rest else by}


@settings(max_examples=200, deadline=None)
@given(given_input=altered())
def test_the_starter_decides_alike(starter: Urls, given_input: Mapping[str, Any]) -> None:
    ours, theirs = asyncio.run(both(starter, given_input))
    assert ours == theirs


def test_opa_itself_finds_nothing_wrong_with_the_starter(tmp_path: Path) -> None:
    """Its compiler in strict mode, its own test runner over our tests, its format."""
    for name, content in bundles.files(bundles.make(REVISION, tests=True)).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    binary = more.opa()
    said(binary, "check", "--strict", "--bundle", str(tmp_path))
    report = json.loads(said(binary, "test", "--bundle", "--format", "json", str(tmp_path)))
    assert len(report) > 10
    assert said(binary, "fmt", "--list", str(STARTER)) == ""


def said(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_archive_is_what_the_snapshot_says(tmp_path: Path) -> None:
    """OPA reads our bundle as its own format: the revision is the snapshot's digest."""
    publish(tmp_path, policies.FILES)
    report = json.loads(said(more.opa(), "inspect", "--format", "json", archive(tmp_path)))
    assert report["manifest"]["revision"] == layout.current(tmp_path)
