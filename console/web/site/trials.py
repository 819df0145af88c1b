"""`/policies/…/tests|try|backtest`: what a revision says of itself, of a case, and of what was recorded.

A draft is a snapshot with one file changed on the page; it is validated like any revision and published by nobody here.
"""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.read.charts import bars
from audit.read.decisions import Filter
from audit.read.instants import instant
from console import backtesting
from console.trying import try_cases
from console.web.desk import Desk, desk
from console.web.forms import form
from console.web.menu import RECORD, STAFF
from console.web.people import Person, current_person, needs
from console.web.render import page
from console.web.site.policies import source
from runtime.errors import CallerError, Error
from snapshot.backtest import Tally, ranked
from snapshot.cases import parse_cases
from snapshot.engine.process import Worker
from snapshot.repository import Repository
from snapshot.validate import validate

MOST_DECISIONS = 200_000  # of one backtest on a page; the command line has no such limit
SHOWN = 200
WORKERS = 2
EXAMPLE = """description: a transfer of the ledger agent
input:
  identity: {subject: ledger-agent, agent: ledger-agent, groups: [finance], owner: dave@bank.example}
  connection: {name: ledger, kind: http, risk: high}
  request: {method: POST, path: /transfers}
"""
working = asyncio.Lock()  # engines are processes of their own; one set at a time


class TooMuch(CallerError):
    code = "too_much"


@needs(*STAFF)
async def tests(request: Request) -> Response:
    """Validates the revision once more: its tests and cases, and what the publisher would say."""
    at, digest = desk(request), request.path_params["digest"]
    async with working, Worker.running() as worker:
        deadline_s = at.settings.engine.deadline_ms / 1000
        found = await validate(source(at, digest), worker, at.settings.secrets, deadline_s=deadline_s)
    red = sum(bool(result.why) for result in found.tests)
    return page(request, "tests.html", {"digest": digest, "found": found, "red": red})


@needs(*STAFF)
async def trial(request: Request) -> Response:
    about = {"digest": request.path_params["digest"], "case": EXAMPLE, "tried": None, "problem": ""}
    source(desk(request), about["digest"])
    return page(request, "try.html", about)


@needs(*STAFF)
async def tried(request: Request) -> Response:
    at, digest, case = desk(request), request.path_params["digest"], (await form(request)).get("case", "")
    about: dict[str, Any] = {"digest": digest, "case": case, "tried": None, "problem": ""}
    try:
        cases = parse_cases(case.replace("\r\n", "\n"), "case", need_want=False)
        async with working:
            about["tried"] = await try_cases(source(at, digest), cases)
    except Error as error:
        return page(request, "try.html", about | {"problem": error.message}, 400)
    return page(request, "try.html", about)


@needs(*RECORD)
async def plan(request: Request) -> Response:
    """`?file=PATH` puts the file on the page to be changed."""
    digest, file = request.path_params["digest"], request.query_params.get("file", "")
    repository = source(desk(request), digest)
    text = repository.text(file) if file in repository.files else ""
    return page(request, "backtest.html", _plan(digest, repository, file, text))


@needs(*RECORD)
async def backtested(request: Request) -> Response:
    at, person, given = desk(request), current_person(request), await form(request)
    digest, file, text = request.path_params["digest"], given.get("file", ""), given.get("text", "")
    repository = source(at, digest)
    about = _plan(digest, repository, file, text) | {"given": given}
    try:
        changed = draft(repository, file, text)
        async with working:
            bundle, tally = await run(at, person, changed, which(given, at.clock.now_us()))
    except CallerError as error:
        return page(request, "backtest.html", about | {"problem": error.message}, 400)
    turns = bars(list(ranked(tally.turns)), "Verdicts that change")
    shown = {"tally": tally, "bundle": bundle, "turns": turns, "changes": tally.changes[:SHOWN]}
    return page(request, "backtest.html", about | shown)


def which(given: dict[str, str], now_us: int) -> Filter:
    start = instant(given.get("since") or "7d", now_us)
    return Filter(start, agent=given.get("agent", "").strip(), connection=given.get("connection", "").strip())


async def run(at: Desk, person: Person, revision: Repository, chosen: Filter) -> tuple[str, Tally]:
    """(digest of the draft, sum). Raises NotPublishable, TooMuch, StoreSilent."""
    bundle = await backtesting.checked(revision, at.settings, "the draft")
    reader = await at.reader(person)
    total = await asyncio.to_thread(backtesting.count, reader, chosen)
    if total > MOST_DECISIONS:
        raise TooMuch(f"{total:,} decisions are more than a page waits for; narrow it, or use `exeat policy backtest`")
    return bundle.digest, await backtesting.run(bundle, reader, chosen, total, WORKERS, at.settings)


def draft(repository: Repository, file: str, text: str) -> Repository:
    if not file:
        return repository
    if file not in repository.files:
        raise TooMuch("a draft changes a file that the snapshot has")
    return Repository({**repository.files, file: text.replace("\r\n", "\n").encode()})


def _plan(digest: str, repository: Repository, file: str, text: str) -> dict[str, Any]:
    about: dict[str, Any] = {"digest": digest, "files": list(repository.files), "file": file, "text": text}
    return about | {"given": {}, "problem": "", "tally": None, "bundle": "", "turns": "", "changes": []}


ROUTES = [
    Route("/policies/{digest}/tests", tests, methods=["POST"]),
    Route("/policies/{digest}/try", trial),
    Route("/policies/{digest}/try", tried, methods=["POST"]),
    Route("/policies/{digest}/backtest", plan),
    Route("/policies/{digest}/backtest", backtested, methods=["POST"]),
]
