"""May this repository become a snapshot? The same answer, in the same words, for the publisher and `exeat policy`.

In order: files and data well-formed; every module parses as v1 Rego and calls allowed builtins only; all of it compiles
with its data; every Rego test and case is green; a stranger at each connection gets a well-formed decision of this
snapshot. Each stage reports all it finds; the next one runs only when there was nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from masking import RuleError
from masking.rules import Ruleset
from runtime.errors import GatewayError
from runtime.settings import Secret
from snapshot import bundle as bundles
from snapshot import silence
from snapshot.bundle import ENTRY, Bundle
from snapshot.cases import Case, parse_cases
from snapshot.connections import Connection, parse_connections
from snapshot.decision import parse as parse_decision
from snapshot.engine.process import RegoFailed, Worker, WorkerSlow
from snapshot.located import Problem, RepositoryRefused
from snapshot.rego_tests import TEST_DEADLINES, Coverage, TestResult, decide, run_cases, run_tests
from snapshot.repository import CONNECTIONS, MASKING, ROLES, Repository
from snapshot.roles import parse_models, parse_roles, unknown_names
from snapshot.sample import STRANGER, merged
from snapshot.syntax import Module, check, complaints

MODELS = "data/models.yaml"
Secrets = Mapping[str, Secret] | None
"""The settings' secrets; None: there are no settings, so credentials are not checked."""


class SnapshotRefused(GatewayError):
    """`problems`: all that was found, in the order of the files."""

    code = "snapshot_refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")

    def diagnostics(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass
class Checked:
    """What was found. `notes` do not keep a repository from being published."""

    repository: Repository
    secrets: Secrets
    seconds: float  # for one test
    coverage: Coverage | None = None  # filled when it is asked for
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    connections: dict[str, Connection] = field(default_factory=dict)
    ruleset: Ruleset | None = None
    cases: list[Case] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    bundle: Bundle | None = None
    tests: list[TestResult] = field(default_factory=list)

    def require(self) -> None:
        """Raises SnapshotRefused if there is any problem."""
        if self.problems:
            raise SnapshotRefused(sorted(set(self.problems)))


async def validate(
    repository: Repository, worker: Worker, secrets: Secrets, *, deadline_s: float = 1.0, coverage: bool = False
) -> Checked:
    """`deadline_s`: what a decision may take (engine.deadline_ms). Raises WorkerDied only."""
    checked = Checked(repository, secrets, TEST_DEADLINES * deadline_s, Coverage() if coverage else None)
    for stage in (_data, _parse, _compile, _test, _warm_up):
        try:
            await stage(checked, worker)
        except RepositoryRefused as error:
            checked.problems.append(error.problem)
        except WorkerSlow:
            checked.problems.append(Problem("policy", 0, "an evaluation took longer than a check may; it was ended"))
        if checked.problems:
            break
    return checked


async def _data(checked: Checked, worker: Worker) -> None:
    """Each file by itself, so that a mistake in one does not hide those in another."""
    repository, secrets = checked.repository, checked.secrets

    def connections() -> None:
        checked.connections = parse_connections(repository.text(CONNECTIONS), CONNECTIONS, secrets)
        watched = [connection for connection in checked.connections.values() if connection.mode == "shadow"]
        for one in watched:
            text = f"connection `{one.name}` is only watched (mode: shadow): nothing is denied or held there"
            checked.notes.append(Problem(CONNECTIONS, one.line, text))

    def masking() -> None:
        patterns = {name: secret.pattern for name, secret in (secrets or {}).items() if secret.pattern}
        checked.ruleset = Ruleset.parse(repository.text(MASKING), MASKING, secrets=patterns)

    def roles() -> None:
        declared = parse_roles(repository.text(ROLES), ROLES)
        tiers = parse_models(repository.text(MODELS), MODELS) if MODELS in repository.files else {}
        if not checked.problems:  # else all connections would seem to be missing
            checked.notes.extend(unknown_names(declared, ROLES, checked.connections, tiers))

    def cases() -> None:
        for path in repository.cases():
            checked.cases.extend(parse_cases(repository.text(path), path))

    def bundle() -> None:
        checked.bundle = bundles.make(repository)

    for read in (connections, masking, roles, cases, bundle):
        try:
            read()
        except RepositoryRefused as error:
            checked.problems.append(error.problem)
        except RuleError as error:
            checked.problems.append(Problem(error.filename, error.line, error.reason))


async def _parse(checked: Checked, worker: Worker) -> None:
    repository = checked.repository
    if not repository.modules():
        raise RepositoryRefused("*.rego", 0, "the repository has no policy")
    for path in repository.modules():
        source = repository.text(path)
        try:
            checked.modules.append(Module(path, source, await worker.parse(path, source)))
        except RegoFailed as error:
            checked.problems.extend(complaints(error.text, path))
    functions: dict[tuple[str, ...], set[str]] = {}
    for module in checked.modules:
        functions.setdefault(module.package, set()).update(module.names())
    for module in checked.modules:
        checked.problems.extend(check(module, functions))
        checked.notes.extend(silence.notes(module))


async def _compile(checked: Checked, worker: Worker) -> None:
    """First as the engine will load it, so that no policy leans on a function of the tests; then with them."""
    for tests in (False, True):
        bundle = bundles.make(checked.repository, tests=tests)
        try:
            await worker.load(bundle.modules, bundle.data, warm=[ENTRY])
        except RegoFailed as error:
            checked.problems.extend(complaints(error.text, "policy"))
            return


async def _test(checked: Checked, worker: Worker) -> None:
    seconds, counted = checked.seconds, checked.coverage
    checked.tests.extend(await run_tests(worker, checked.modules, seconds, counted))
    checked.tests.extend(await run_cases(worker, checked.cases, checked.repository.digest, seconds, counted))
    checked.problems.extend(result.problem for result in checked.tests if result.why)


async def _warm_up(checked: Checked, worker: Worker) -> None:
    assert checked.ruleset is not None
    for given in _strangers(checked.connections):
        decision, why = await decide(worker, given, checked.repository.digest, checked.seconds)
        where = f"a stranger's request to `{given['connection']['name']}`"
        if why:
            raise RepositoryRefused("data.exeat.decision", 0, f"{where}: {why}")
        unknown = set(parse_decision(decision).masking) - checked.ruleset.profiles
        if unknown:
            text = f"{where}: masking profile `{min(unknown)}` is not in {MASKING}"
            raise RepositoryRefused("data.exeat.decision", 0, text)


def _strangers(connections: Mapping[str, Connection]) -> Iterator[dict[str, Any]]:
    yield STRANGER
    for connection in connections.values():
        place = {"name": connection.name, "kind": connection.kind, "risk": connection.risk, "mode": connection.mode}
        yield merged(STRANGER, {"connection": place})
