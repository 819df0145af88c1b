"""`/policies`: revisions, the text that decided, what differs between two, its tests; try one, or backtest another."""

import difflib
import re
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from audit.read.questions import named
from console.web.desk import Desk, desk
from console.web.menu import RECORD, STAFF
from console.web.people import current_person, needs
from console.web.render import page
from runtime.errors import Error
from snapshot import layout
from snapshot.repository import Repository, is_test

HEX = re.compile(r"[0-9a-f]{64}")


def source(at: Desk, digest: str) -> Repository:
    """The files of a snapshot, checked by their name; 404 when it is not on this machine."""
    if not HEX.fullmatch(digest):
        raise HTTPException(404, "That is not the digest of a snapshot.")
    folder = layout.folder(at.settings.gateway.state_dir, digest)
    if not folder.is_dir():
        raise HTTPException(404, f"The snapshot {digest[:12]}… is not on this machine.")
    return layout.read_source(folder)


def find_rule(repository: Repository, rule: str) -> tuple[str, int] | None:
    """The file and line that give a reason its name: `rule: NAME` of an annotation, else the name as a string."""
    word = re.escape(rule)
    for pattern in (rf"\brule\"?:\s*\"?{word}\b", rf'"{word}"'):
        for path in repository.modules():
            if is_test(path):
                continue
            for number, line in enumerate(repository.text(path).splitlines(), 1):
                if re.search(pattern, line):
                    return path, number
    return None


@needs(*STAFF)
async def rule(request: Request) -> Response:
    """To the rule's text at that snapshot."""
    digest, name = request.path_params["digest"], request.path_params["rule"]
    place = find_rule(source(desk(request), digest), name)
    if place is None:
        raise HTTPException(404, f"No module of this snapshot names a rule {name}.")
    return RedirectResponse(f"/policies/{digest}/file/{place[0]}#L{place[1]}", 303)


@needs(*STAFF)
async def file(request: Request) -> Response:
    digest, path = request.path_params["digest"], request.path_params["file"]
    repository = source(desk(request), digest)
    if path not in repository.files:
        raise HTTPException(404, f"This snapshot has no {path}.")
    return page(request, "file.html", {"digest": digest, "file": path, "lines": repository.text(path).splitlines()})


@needs(*STAFF)
async def one(request: Request) -> Response:
    at, digest = desk(request), request.path_params["digest"]
    repository, against = source(at, digest), request.query_params.get("against", "")
    changed = _changed(source(at, against), repository) if against else []
    about = {"digest": digest, "files": repository.files, "against": against, "changed": changed}
    about["may_read"] = not current_person(request).roles.isdisjoint(RECORD)
    return page(request, "snapshot.html", about | {"others": [name for name in kept(at) if name != digest]})


def _changed(before: Repository, after: Repository) -> list[tuple[str, list[tuple[str, str]]]]:
    """(file, lines with their sign) for each file that differs."""
    found = []
    for path in sorted({*before.files, *after.files}):
        old, new = (each.files.get(path, b"").decode("utf-8", "replace").splitlines() for each in (before, after))
        if old != new:
            found.append((path, marked_lines(old, new)))
    return found


def marked_lines(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """A difference with three lines around each change; signs are plus, minus, at and same."""
    signs = {"+": "plus", "-": "minus", "@": "at"}
    lines = list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
    return [(signs.get(line[:1], "same"), line) for line in lines]


def kept(at: Desk) -> list[str]:
    """Digests of the snapshots on this machine, the newest first."""
    folder = at.settings.gateway.state_dir / "snapshots"
    found = [path for path in folder.glob("*") if HEX.fullmatch(path.name)] if folder.is_dir() else []
    return [path.name for path in sorted(found, key=lambda path: -path.stat().st_mtime)]


@needs(*STAFF)
async def listed(request: Request) -> Response:
    at, person = desk(request), current_person(request)
    rows: list[dict[str, Any]] = []
    if not person.roles.isdisjoint(RECORD):
        question = named("snapshots").bind({"since": "365d"}, at.clock.now_us())
        rows = (await at.read(person, lambda reader: reader.ask(question)))[::-1]
    try:
        serving = at.snapshot().digest.removeprefix("sha256:")
    except Error:
        serving = ""
    return page(request, "policies.html", {"rows": rows, "serving": serving, "kept": kept(at)})


ROUTES = [
    Route("/policies", listed),
    Route("/policies/{digest}", one),
    Route("/policies/{digest}/rule/{rule}", rule),
    Route("/policies/{digest}/file/{file:path}", file),
]
