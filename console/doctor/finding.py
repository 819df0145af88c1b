"""What a check says. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"  # it works; something will not, or cannot be known
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what`: a sentence about how it is; `remedy`: what to do, "" when nothing."""

    check: str
    level: Level
    what: str
    remedy: str = ""


def ok(check: str, what: str) -> Finding:
    return Finding(check, Level.OK, what)


def warn(check: str, what: str, remedy: str) -> Finding:
    return Finding(check, Level.WARN, what, remedy)


def fail(check: str, what: str, remedy: str) -> Finding:
    return Finding(check, Level.FAIL, what, remedy)
