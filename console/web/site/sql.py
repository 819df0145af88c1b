"""`/sql`: any question to the record, read-only, and those that have a name. Asked as the store's auditor."""

import dataclasses
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.read import Question
from audit.read.charts import bars, stacked
from audit.read.questions import known, named
from audit.read.rows import Rows, first
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
    """`?question=NAME` opens a question that has a name; it is asked when its parameters are sent."""
    name = request.query_params.get("question", "")
    chosen = named(name) if name else None
    return page(request, "sql.html", {**_empty(), "chosen": chosen, "sql": chosen.sql if chosen else EXAMPLE})


@needs(*RECORD)
async def asked(request: Request) -> Response:
    at, given = desk(request), await form(request)
    name = given.get("question", "")
    about: dict[str, Any] = _empty() | {"given": given, "chosen": named(name) if name else None}
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


def _empty() -> dict[str, Any]:
    questions = [dataclasses.asdict(question) for question in known().values()]
    return {
        "questions": questions,
        "found": None,
        "chart": "",
        "problem": "",
        "given": {},
        "sql": EXAMPLE,
        "most": MOST,
    }


ROUTES = [Route("/sql", shown), Route("/sql", asked, methods=["POST"])]
