"""`exeat policy`: what the publisher would say of a repository, before it says it. `backtest` has its own file."""

import asyncio
import dataclasses
import json
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from console.cli import backtest
from console.trying import try_cases
from runtime.errors import CallerError
from runtime.settings import config_path, load
from snapshot import repository, signature
from snapshot.cases import parse_cases
from snapshot.engine.process import Worker
from snapshot.located import Problem, RepositoryRefused
from snapshot.rego_tests import TestResult
from snapshot.repository import is_test
from snapshot.validate import Checked, Secrets, validate

DEFAULT = Path("policies")
Result = TypeVar("Result")


class PolicyRefused(CallerError):
    code = "policy_refused"


@click.group()
def group() -> None:
    """Check, test and try the policy repository."""


group.add_command(backtest.command, "backtest")


def on_repository(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the optional argument DIR and --json; the command gets a Desk."""
    return click.argument("policies", metavar="[DIR]", required=False, type=click.Path(path_type=Path))(_desk(command))


def with_repository(command: Callable[..., None]) -> Callable[..., None]:
    """The same for commands whose argument is something else: the directory is an option."""
    help_ = "The policy repository [default: policy.path of the settings]."
    return click.option("--policies", metavar="DIR", type=click.Path(path_type=Path), help=help_)(_desk(command))


def _desk(command: Callable[..., None]) -> Callable[..., None]:
    @click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
    @wraps(command)
    def wrapped(*, policies: Path | None, **options: Any) -> None:
        config = config_path(click.get_current_context().obj)
        settings = load(config) if config else None
        directory = policies or (settings.policy.path if settings else DEFAULT)
        signers = settings.policy.signers if settings else []
        command(Desk(directory, settings.secrets if settings else None, signers), **options)

    return wrapped


class Desk:
    """A repository, and the secrets its connections may name (None: there are no settings, so it is not checked)."""

    def __init__(self, directory: Path, secrets: Secrets, signers: Sequence[str] = ()) -> None:
        self.directory = directory
        self._secrets = secrets
        self._signers = signers

    def revision(self) -> repository.Repository:
        """Raises RepositoryRefused when the directory cannot even be read."""
        return repository.read(self.directory)

    def signer(self) -> str:
        """Who signed it, "" where nobody needs to. Raises RepositoryRefused."""
        return signature.check(self.directory, self.revision(), self._signers)

    def checked(self, *, coverage: bool = False) -> Checked:
        """Raises RepositoryRefused when the directory cannot even be read."""
        revision = self.revision()
        return self.ask(lambda worker: validate(revision, worker, self._secrets, coverage=coverage))

    def ask(self, work: Callable[[Worker], Coroutine[Any, Any, Result]]) -> Result:
        async def run() -> Result:
            async with Worker.running() as worker:
                return await work(worker)

        return asyncio.run(run())

    def place(self, problem: Problem) -> str:
        """The problem with a path that an editor finds."""
        file = self.directory / problem.file
        return str(Problem(str(file), problem.line, problem.text) if file.exists() else problem)


@group.command()
@on_repository
def check(desk: Desk, as_json: bool) -> None:
    """Say whether the publisher would take the repository, and if not, where and why."""
    checked = desk.checked()
    try:
        signer = desk.signer()
    except RepositoryRefused as error:
        signer = ""
        checked.problems.append(error.problem)
    if as_json:
        _print_json(checked)
    else:
        for note in checked.notes:
            click.echo(f"note: {desk.place(note)}", err=True)
        for problem in sorted(set(checked.problems)):
            click.echo(desk.place(problem), err=True)
        if not checked.problems:
            click.echo(f"{desk.directory}: {_counts(checked)}; it would be published as {checked.repository.digest}")
            if signer:
                click.echo(f"signed by {signer}")
    if checked.problems:
        raise SystemExit(1)


@group.command()
@click.option("-v", "--verbose", is_flag=True, help="A line for each test, not only for those that fail.")
@on_repository
def test(desk: Desk, verbose: bool, as_json: bool) -> None:
    """Run the Rego tests and the cases."""
    checked = desk.checked()
    red = [result for result in checked.tests if result.why]
    if as_json:
        _print_json(checked)
    else:
        for result in checked.tests if verbose else red:
            click.echo(_line(desk, result))
        for problem in sorted(set(checked.problems) - {result.problem for result in red}):
            click.echo(desk.place(problem), err=True)
        green = f"{len(checked.tests) - len(red)} of {len(checked.tests)} tests and cases are green"
        click.echo(green if checked.tests else "no test or case was run")
    if checked.problems or not checked.tests:
        raise SystemExit(1)


@group.command()
@on_repository
def listing(desk: Desk, as_json: bool) -> None:
    """Print the list of files that a signature is of, as sha256sum does; its digest names the snapshot."""
    text = desk.revision().listing.decode()
    click.echo(json.dumps(text.splitlines()) if as_json else text, nl=as_json)


@group.command()
@click.option("--key", required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Ed25519 key.")
@on_repository
def sign(desk: Desk, key: Path, as_json: bool) -> None:
    """Write DIR/policy.sig with an OpenSSH or PEM key, and print the line for policy.signers."""
    private = _private_key(key)
    (desk.directory / signature.FILE).write_text(signature.sign(desk.revision(), private), "ascii")
    line = signature.public_line(private)
    click.echo(json.dumps({"signer": line}) if as_json else line)


def _private_key(path: Path) -> Ed25519PrivateKey:
    content = path.read_bytes()
    for load_key in (load_ssh_private_key, load_pem_private_key):
        try:
            key = load_key(content, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        if isinstance(key, Ed25519PrivateKey):
            return key
    raise PolicyRefused(f"{path} is not an unencrypted Ed25519 private key; sign with ssh-keygen -Y sign instead")


@group.command("try")
@click.argument("case", metavar="CASE.yaml", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@with_repository
def try_(desk: Desk, case: Path, as_json: bool) -> None:
    """Decide the cases of a file and show the decisions; `want` may be left out."""
    cases = parse_cases(case.read_text("utf-8"), str(case), need_want=False)
    tried = asyncio.run(try_cases(repository.read(desk.directory), cases))
    rows = [dataclasses.asdict(one) for one in tried]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        for row in rows:
            _show(row)
    if any(one.why for one in tried):
        raise SystemExit(1)


@group.command()
@click.option("--fail-under", type=click.FloatRange(0, 100), default=0.0, help="Exit 1 below this percentage.")
@on_repository
def coverage(desk: Desk, fail_under: float, as_json: bool) -> None:
    """Show the lines of the policy that no test or case reaches."""
    checked = desk.checked(coverage=True)
    if checked.problems:
        raise PolicyRefused("\n".join(desk.place(problem) for problem in sorted(set(checked.problems))))
    assert checked.coverage is not None
    reached = checked.coverage
    paths = [path for path in checked.repository.modules() if not is_test(path)]
    missed = {path: sorted(reached.missed.get(path, ())) for path in paths}
    percent = reached.percent(paths)
    if as_json:
        click.echo(json.dumps({"percent": round(percent, 1), "missed": missed}, indent=2))
    else:
        for path in paths:
            lines = ", ".join(_ranges(missed[path]))
            click.echo(f"{reached.percent([path]):5.1f} %  {path}{': lines ' + lines if lines else ''}")
        click.echo(f"{percent:5.1f} %  of {desk.directory}")
    if percent < fail_under:
        raise SystemExit(1)


def _counts(checked: Checked) -> str:
    modules = [module for module in checked.modules if not module.is_test]
    return f"{len(modules)} modules, {len(checked.tests)} tests and cases, {len(checked.connections)} connections"


def _print_json(checked: Checked) -> None:
    def rows(problems: list[Problem]) -> list[dict[str, object]]:
        return [{"file": item.file, "line": item.line, "text": item.text} for item in sorted(set(problems))]

    tests = [
        {"name": item.name, "file": item.file, "line": item.line, "passed": not item.why, "why": item.why}
        for item in checked.tests
    ]
    document = {
        "snapshot": checked.repository.digest,
        "problems": rows(checked.problems),
        "notes": rows(checked.notes),
        "tests": tests,
    }
    click.echo(json.dumps(document, indent=2))


def _line(desk: Desk, result: TestResult) -> str:
    return f"FAIL {desk.place(result.problem)}" if result.why else f"ok   {result.name}"


def _show(row: dict[str, Any]) -> None:
    click.echo(row["description"])
    decision = row["decision"]
    if decision is not None:
        click.echo(f"  {decision.get('effect')}")
        for reason in decision.get("reasons") or []:
            controls = ", ".join(reason.get("controls") or [])
            click.echo(
                f"  {reason.get('rule')}: {reason.get('message')} {f'[{controls}]' if controls else ''}".rstrip()
            )
        for name in ("approval", "masking"):
            if decision.get(name):
                click.echo(f"  {name}: {json.dumps(decision[name])}")
    if row["why"]:
        click.echo(f"  NOT AS WANTED: {row['why']}")


def _ranges(lines: list[int]) -> list[str]:
    """[1, 2, 3, 7] → ["1-3", "7"]."""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][-1] + 1:
            found[-1][1:] = [line]
        else:
            found.append([line])
    return [str(span[0]) if len(span) == 1 else f"{span[0]}-{span[-1]}" for span in found]
