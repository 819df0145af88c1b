"""`/sql`: any question to the record, read-only, and those that have a name. Asked as the store's auditor."""

import dataclasses
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from audit.read import Question
from audit.read.charts import bars, stacked
from audit.read.questions import known, named
from audit.read.rows import Rows, first
from console.saved import Shelf
from console.web.desk import desk
from console.web.forms import form
from console.web.menu import RECORD
from console.web.people import current_person, needs
from console.web.render import page
from runtime.errors import CallerError

MOST = 1000
EXAMPLE = "SELECT type, count() AS events FROM events GROUP BY type ORDER BY events DESC"
NUMBERS = ("Int", "UInt", "Float", "Decimal")


class NoQuestion(CallerError):
    code = "no_question"


@needs(*RECORD)
async def shown(request: Request) -> Response:
    """`?question=NAME` opens a question that has a name; it is asked when its parameters are sent.

    `?saved=NAME` puts one of the house's own into the editor.
    """
    name, saved = request.query_params.get("question", ""), request.query_params.get("saved", "")
    chosen, kept = named(name) if name else None, _shelf(request).get(saved)
    about = _empty(request) | {"chosen": chosen, "kept": kept}
    return page(request, "sql.html", about | {"sql": kept.sql if kept else chosen.sql if chosen else EXAMPLE})


@needs(*RECORD)
async def keep(request: Request) -> Response:
    """Gives the text in the editor a name, for everybody who may read the record."""
    given, person = await form(request), current_person(request)
    sql, name = given.get("sql", "").replace("\r\n", "\n").strip(), given.get("name", "")
    try:
        _shelf(request).keep(name, sql, person.name)
    except CallerError as error:
        about = _empty(request) | {"sql": sql, "problem": error.message, "given": given}
        return page(request, "sql.html", about, 400)
    return RedirectResponse(f"/sql?{urlencode({'saved': name.strip()})}", 303)


@needs(*RECORD)
async def drop(request: Request) -> Response:
    _shelf(request).drop((await form(request)).get("name", ""))
    return RedirectResponse("/sql", 303)


def _shelf(request: Request) -> Shelf:
    at = desk(request)
    return Shelf(at.settings.gateway.state_dir, at.recorder(current_person(request)).masked)


@needs(*RECORD)
async def asked(request: Request) -> Response:
    at, given = desk(request), await form(request)
    name = given.get("question", "")
    about: dict[str, Any] = _empty(request) | {"given": given, "chosen": named(name) if name else None}
    try:
        question = bind(name, given, at.clock.now_us())
        about["sql"] = question.sql
        found = await at.read(current_person(request), lambda reader: first(reader, question, MOST))
    except CallerError as error:
        return page(request, "sql.html", about | {"sql": given.get("sql", ""), "problem": error.message}, 400)
    return page(request, "sql.html", about | {"found": found, "chart": chart(found)})


def bind(name: str, given: dict[str, str], now_us: int) -> Question:
    """Raises NoQuestion, WrongQuestion, WrongTime."""
    if name:
        question = named(name)
        names = {parameter.name for parameter in question.parameters}
        return question.bind({key: value for key, value in given.items() if key in names and value}, now_us)
    text = given.get("sql", "").strip().rstrip(";")
    if not text:
        raise NoQuestion("write a question first")
    return Question("audit.sql", text)


def chart(found: Rows) -> str:
    """A label and a number are bars; a day, a label and a number are stacked days; anything else is a table alone."""
    numeric = [place for place, type_ in enumerate(found.types) if type_.startswith(NUMBERS)]
    labels = [place for place, type_ in enumerate(found.types) if type_.removeprefix("LowCardinality(")[:6] == "String"]
    days = [place for place, type_ in enumerate(found.types) if type_.startswith("Date")]
    if len(numeric) < 1 or not labels or len(found.rows) < 2:
        return ""
    value, label = numeric[0], labels[0]
    title = f"{found.columns[value]} by {found.columns[label]}"
    if days:
        return _stacked(found, days[0], label, value, title)
    return bars([(str(row[label]), int(float(row[value] or 0))) for row in found.rows], title)


def _stacked(found: Rows, day: int, label: int, value: int, title: str) -> str:
    every = list(dict.fromkeys(str(row[day]) for row in found.rows))[:400]
    series: dict[str, list[int]] = {}
    for row in found.rows:
        if str(row[day]) in every:
            values = series.setdefault(str(row[label]), [0] * len(every))
            values[every.index(str(row[day]))] += int(float(row[value] or 0))
    return stacked(every, series, title) if len(series) <= 6 else ""


def _empty(request: Request) -> dict[str, Any]:
    questions = [dataclasses.asdict(question) for question in known().values()]
    return {
        "questions": questions,
        "shelf": _shelf(request).all(),
        "chosen": None,
        "kept": None,
        "found": None,
        "chart": "",
        "problem": "",
        "given": {},
        "sql": EXAMPLE,
        "most": MOST,
    }


ROUTES = [
    Route("/sql", shown),
    Route("/sql", asked, methods=["POST"]),
    Route("/sql/saved", keep, methods=["POST"]),
    Route("/sql/saved/drop", drop, methods=["POST"]),
]
