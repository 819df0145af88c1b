"""`/evidence`: the signed log, whether the record is what was signed, reports for examiners, legal holds."""

import asyncio
import json
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from audit.read import Question, Read, Reader, holds
from audit.read.decisions import Filter
from audit.read.frameworks import framework, names
from audit.read.instants import instant
from audit.verify import CannotVerify
from console import holding
from console import reporting as reports
from console.verifying import published_log, told, verified
from console.web.desk import Desk, desk
from console.web.forms import form
from console.web.menu import RECORD
from console.web.people import Person, Role, current_person, needs
from console.web.render import page
from runtime.errors import CallerError
from runtime.fileio import atomic_write, private_dir

NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9-]{1,40}")
NEWEST = Question(
    "evidence.checkpoints",
    "SELECT ts, size, lower(hex(root)) AS root, note FROM checkpoints ORDER BY size DESC LIMIT 8",
)
_making = asyncio.Lock()  # a report and a verification each read everything: one at a time


class NoFramework(CallerError):
    code = "no_framework"


@needs(*RECORD)
async def shown(request: Request) -> Response:
    return page(request, "evidence.html", await _about(desk(request), current_person(request)))


@needs(*RECORD)
async def verify(request: Request) -> Response:
    at, person = desk(request), current_person(request)
    checked = await verify_now(at, person)
    return page(request, "evidence.html", await _about(at, person) | {"checked": checked})


async def verify_now(at: Desk, person: Person) -> dict[str, Any]:
    """{ok, lines, report}: `ok` is None when it could not be found out."""
    await asyncio.to_thread(at.recorder(person).read, Read("audit.verify", "", {}))
    async with _making:
        try:
            found = await asyncio.to_thread(verified, at.settings, None, (), ())
        except CannotVerify as error:
            return {"ok": None, "lines": [error.diagnostics()], "report": None}
    return {"ok": found.ok, "lines": told(found), "report": found.as_dict()}


@needs(*RECORD)
async def make(request: Request) -> Response:
    at, person, given = desk(request), current_person(request), await form(request)
    name = given.get("framework", "")
    if name not in names():
        raise NoFramework(f"choose one of {', '.join(names())}")
    now_us = at.clock.now_us()
    start, end = (instant(given.get(key) or other, now_us) for key, other in (("since", "90d"), ("until", "now")))
    which = Filter(start, end, agent=given.get("agent", "").strip(), connection=given.get("connection", "").strip())
    stamp = datetime.fromtimestamp(now_us // 1_000_000, UTC).strftime("%Y%m%d-%H%M%S")
    made = f"{stamp}-{name}"
    async with _making:
        reader = await at.reader(person)
        await asyncio.to_thread(_make, at, person, reader, made, name, which)
    return RedirectResponse(f"/evidence/reports/{made}", 303)


def _make(at: Desk, person: Person, reader: Reader, made: str, name: str, which: Filter) -> None:
    """The folder, as `exeat audit report` writes it, as an archive; and beside it what this page says of it."""
    parent = private_dir(_folder(at))
    folder = parent / made
    try:
        result = reports.make(at.settings, reader, folder, name, which, at.recorder(person))
        shutil.make_archive(str(folder), "zip", folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    controls = [[one.control.id, one.control.title, one.verdict, len(one.rows)] for one in result.report.results]
    summary = {"framework": framework(name).title, "by": person.name, "sha256": result.sha256, "named": result.named}
    summary |= {"verification": list(result.report.verification), "controls": controls}
    summary |= {"scope": dict(result.report.scope), "events": result.package.events}
    atomic_write(parent / f"{made}.json", json.dumps(summary).encode())


@needs(*RECORD)
async def keep(request: Request) -> Response:
    """A legal hold: what the fields name, whatever retention says; without any, everything."""
    at, person, given = desk(request), current_person(request), await form(request)
    times, now_us = (given.get("since", "").strip(), given.get("until", "").strip()), at.clock.now_us()
    try:
        told = (given.get("reason", ""), *times, now_us)
        name = await asyncio.to_thread(holding.add, at.recorder(person), given, *told)
    except CallerError as error:
        return page(request, "evidence.html", await _about(at, person) | {"problem": error.message}, 400)
    return await _kept(at, person, "legal_hold.added", name)


@needs(Role.ADMIN)
async def release(request: Request) -> Response:
    at, person, given = desk(request), current_person(request), await form(request)
    try:
        name = await at.read(person, lambda reader: holding.active(reader, request.path_params["id"]))
        await asyncio.to_thread(holding.release, at.recorder(person), name, given.get("reason", ""))
    except CallerError as error:
        return page(request, "evidence.html", await _about(at, person) | {"problem": error.message}, 400)
    return await _kept(at, person, "legal_hold.released", name)


async def _kept(at: Desk, person: Person, type_: str, name: str) -> Response:
    """It is durable; the page shows it once the shipper has brought it to the store."""
    with suppress(holding.NotSigned):
        await at.read(person, lambda reader: holding.until_stored(reader, type_, name))
    return RedirectResponse("/evidence#holds", 303)


@needs(*RECORD)
async def one(request: Request) -> Response:
    name = request.path_params["name"]
    summary = json.loads(_file(desk(request), name, "json").read_bytes())
    return page(request, "report.html", {"name": name, "summary": summary})


@needs(*RECORD)
async def archive(request: Request) -> Response:
    at, name = desk(request), request.path_params["name"]
    file = _file(at, name, "zip")
    recorder = at.recorder(current_person(request))
    await asyncio.to_thread(recorder.read, Read("evidence.report", "", {"name": name}))
    return FileResponse(file, media_type="application/zip", filename=file.name)


def _file(at: Desk, name: str, suffix: str) -> Path:
    file = _folder(at) / f"{name}.{suffix}"
    if not NAME.fullmatch(name) or not file.is_file():
        raise HTTPException(404, "There is no such report.")
    return file


def _folder(at: Desk) -> Path:
    return at.settings.gateway.state_dir / "reports"


@dataclass(frozen=True, slots=True)
class Log:
    """The published log: its key, and the newest signed tree head, as files that anybody can check."""

    vkey: str
    checkpoint: str


def _log(at: Desk) -> Log:
    published = published_log(at.settings)
    files = (published.vkey, published.checkpoint)
    return Log(*(file.read_text("utf-8").strip() if file.exists() else "" for file in files))


async def _about(at: Desk, person: Person) -> dict[str, Any]:
    def ask(reader: Reader) -> tuple[list[dict[str, Any]], list[holds.Hold]]:
        return reader.ask(NEWEST), holds.fold(reader.ask(holds.question()))

    checkpoints, held = await at.read(person, ask)
    folder = _folder(at)
    made = sorted((file.stem for file in folder.glob("*.json")), reverse=True) if folder.is_dir() else []
    about: dict[str, Any] = {
        "problem": "",
        "may_release": Role.ADMIN in person.roles,
        "fields": holds.FIELDS,
        "checkpoints": checkpoints,
        "log": _log(at),
        "reports": made,
        "held": held,
    }
    return about | {"frameworks": [framework(name) for name in names()], "checked": None}


ROUTES = [
    Route("/evidence", shown),
    Route("/evidence/verify", verify, methods=["POST"]),
    Route("/evidence/legal-holds", keep, methods=["POST"]),
    Route("/evidence/legal-holds/{id}/release", release, methods=["POST"]),
    Route("/evidence/reports", make, methods=["POST"]),
    Route("/evidence/reports/{name}", one),
    Route("/evidence/reports/{name}/archive", archive),
]
