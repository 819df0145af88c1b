"""Questions people ask, as SQL files with names: `questions/NAME.sql`.

A file begins with comments: the question, one line per parameter, and what one must know to read the answer:

    -- What did an agent do after its owner left?
    --   agent String: the agent
    --   left DateTime = 90d: when the owner left
    -- There must be none.

Types are String, UInt32, DateTime (a time in words, see instants.py) and Array(String) (comma separated); after `=`
stands the value that is taken when none is given. Nothing here is Python's: a new file is a new question.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from audit.read.decisions import Filter
from audit.read.instants import as_sql, instant
from audit.read.reader import Question
from runtime.errors import CallerError

FOLDER = Path(__file__).with_name("questions")
SCOPED = ("decisions", "exchanges", "approvals", "standings", "maskings", "sessions", "usage_minutes")
_PARAMETER = re.compile(r"(\w+) (String|UInt32|DateTime|Array\(String\))(?: = (\S+))?: (.+)")


class WrongQuestion(CallerError):
    """No question of this name, or a parameter is missing, unknown or of another type."""

    code = "wrong_question"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: str
    default: str | None
    help: str


@dataclass(frozen=True, slots=True)
class Named:
    """A question with its name. `says`: what one must know to read the answer."""

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    says: str
    sql: str

    @property
    def most(self) -> int | None:
        """Rows at which the question stops, None if it gives all."""
        found = re.search(r"\bLIMIT (\d+)$", self.sql)
        return int(found[1]) if found else None

    def bind(self, given: Mapping[str, str], now_us: int, scope: str = "") -> Question:
        """With values from words. `scope`: see `scoped`. Raises WrongQuestion, WrongTime."""
        unknown = set(given) - {parameter.name for parameter in self.parameters}
        if unknown:
            raise WrongQuestion(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        values = {parameter.name: self._value(parameter, given, now_us) for parameter in self.parameters}
        return Question(f"questions.{self.name}", scope + self.sql, values)

    def _value(self, parameter: Parameter, given: Mapping[str, str], now_us: int) -> Any:
        text = given.get(parameter.name, parameter.default)
        if text is None:
            raise WrongQuestion(f"{self.name} needs --param {parameter.name}=…: {parameter.help}")
        if parameter.type == "DateTime":
            return as_sql(instant(text, now_us))
        if parameter.type == "UInt32":
            if not text.isdecimal() or int(text) >= 2**32:
                raise WrongQuestion(f"{parameter.name} takes a whole number, not {text!r}")
            return int(text)
        return text.split(",") if parameter.type.startswith("Array") else text


@cache
def known() -> dict[str, Named]:
    """All questions by name."""
    return {file.stem: parse(file.stem, file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.sql"))}


def named(name: str) -> Named:
    """Raises WrongQuestion."""
    try:
        return known()[name]
    except KeyError:
        raise WrongQuestion(f"no question is named {name!r}; `exeat audit sql --questions` lists them") from None


def parse(name: str, text: str) -> Named:
    """Raises WrongQuestion when the head is not as the module says."""
    lines = text.splitlines()
    size = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    head = [line[2:] for line in lines[:size]]
    if not head or not head[0].strip().endswith("?"):
        raise WrongQuestion(f"{name}.sql does not begin with a question")
    found = [_PARAMETER.fullmatch(line.strip()) for line in head if line.startswith("   ")]
    if not all(found):
        raise WrongQuestion(f"{name}.sql: a parameter is not `name Type = default: help`")
    parameters = tuple(Parameter(match[1], match[2], match[3], match[4]) for match in found if match)
    says = " ".join(line.strip() for line in head[1:] if not line.startswith("   "))
    return Named(name, head[0].strip(), parameters, says, "\n".join(lines[size:]).strip())


def scoped(which: Filter, database: str) -> tuple[str, dict[str, Any]]:
    """A head for any question that narrows the views it asks to `which`, and its parameters; ("", {}) for no filter.

    A name in WITH wins over a table of the database. Times are the questions' own parameters.
    """
    conditions, parameters = [], dict[str, Any]()
    for name in ("subject", "agent", "connection"):
        if value := getattr(which, name):
            conditions.append(f"{name} = {{scope_{name}:String}}")
            parameters[f"scope_{name}"] = value
    if not conditions:
        return "", {}
    where = " AND ".join(conditions)
    views = SCOPED if not which.connection else tuple(view for view in SCOPED if view != "sessions")
    parts = [f"{view} AS (SELECT * FROM {database}.{view} WHERE {where})" for view in views]  # noqa: S608 - our names
    return f"WITH {', '.join(parts)}\n", parameters
