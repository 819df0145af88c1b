"""Control maps: which question answers which control of a framework. Data in `controls/NAME.yaml`."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from audit.read.questions import Named, WrongQuestion, named

FOLDER = Path(__file__).with_name("controls")
Expect = Literal["some", "none", "any"]
Verdict = Literal["evidence", "finding", "missing", "information"]


@dataclass(frozen=True, slots=True)
class Control:
    """`expect`: `some` rows are evidence, `none` is evidence (each row is a finding), `any` rows inform."""

    id: str
    title: str
    shows: str
    question: Named
    expect: Expect

    def verdict(self, rows: int) -> Verdict:
        if self.expect == "any":
            return "information"
        if self.expect == "none":
            return "finding" if rows else "evidence"
        return "evidence" if rows else "missing"


@dataclass(frozen=True, slots=True)
class Framework:
    name: str
    title: str
    controls: tuple[Control, ...]


def names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


@cache
def framework(name: str) -> Framework:
    """Raises WrongQuestion for a name or a map of another form: maps are ours, so that is an error of ours in tests."""
    if name not in names():
        raise WrongQuestion(f"no control map for {name!r}; there are {', '.join(names())}")
    document: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return Framework(name, str(document["framework"]), tuple(map(_control, document["controls"])))


def _control(item: dict[str, Any]) -> Control:
    expect = item["expect"]
    if expect not in ("some", "none", "any"):
        raise WrongQuestion(f"control {item['id']}: expect is some, none or any")
    question = named(item["ask"])
    needed = [parameter.name for parameter in question.parameters if parameter.default is None]
    if needed:
        raise WrongQuestion(f"control {item['id']}: {question.name} needs {', '.join(needed)}, which nobody gives it")
    return Control(str(item["id"]), str(item["title"]), str(item["shows"]), question, expect)
