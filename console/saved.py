"""Questions in SQL that people of this house have given a name: one small file beside the gateway's state.

They are shared by all who may read the record. What the floor profile would mask may not be stored, here either, so a
question that holds such a value is not kept.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.errors import CallerError, GatewayError
from runtime.fileio import atomic_write, private_dir

FILE = "questions.json"
MOST = 200
MOST_LETTERS = 20_000
NAME = re.compile(r"[\w][\w .,()/?-]{0,79}")


class NotKept(CallerError):
    code = "question_not_kept"


class Unreadable(GatewayError):
    code = "questions_unreadable"


@dataclass(frozen=True, slots=True)
class Saved:
    """`by`: who gave it its name, or its newest text."""

    name: str
    sql: str
    by: str


class Shelf:
    """`mask`: a text as it may be stored. One process writes."""

    def __init__(self, state_dir: Path, mask: Callable[[str], str]) -> None:
        self._path, self._mask = state_dir / FILE, mask

    def all(self) -> list[Saved]:
        """By name. Raises Unreadable."""
        try:
            rows = json.loads(self._path.read_bytes())
            return sorted((Saved(**row) for row in rows), key=lambda each: each.name.casefold())
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise Unreadable(f"{self._path} cannot be read ({type(error).__name__}): mend it or take it away") from None

    def get(self, name: str) -> Saved | None:
        return next((each for each in self.all() if each.name == name), None)

    def keep(self, name: str, sql: str, by: str) -> None:
        """Durable on return; the same name again replaces its text. Raises NotKept."""
        name, others = name.strip(), [each for each in self.all() if each.name != name.strip()]
        if not NAME.fullmatch(name):
            raise NotKept("a name is up to 80 letters, digits, spaces and . , ( ) / ? -")
        if not sql or len(sql) > MOST_LETTERS:
            raise NotKept(f"a question has 1 to {MOST_LETTERS} letters")
        if len(others) >= MOST:
            raise NotKept(f"{MOST} questions have a name: drop one first")
        if self._mask(f"{name}\n{sql}") != f"{name}\n{sql}":
            raise NotKept("it holds something that masking would take out, which may not be stored: ask without it")
        self._write([*others, Saved(name, sql, by)])

    def drop(self, name: str) -> None:
        self._write([each for each in self.all() if each.name != name])

    def _write(self, rows: list[Saved]) -> None:
        private_dir(self._path.parent)
        atomic_write(self._path, json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1).encode())
