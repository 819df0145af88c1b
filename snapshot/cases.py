"""Cases as data: an input, and what the decision must say. `**/cases/*.yaml`, and `exeat policy try FILE`.

    given: {connection: {name: ledger}}           # under every input of this file; below it lies sample.STRANGER
    cases:
      - description: an intern is refused
        input: {identity: {groups: []}}
        want: {effect: deny, rules: [no_role]}

`want` names what matters: effect; rules (all that fired, any order); approval, tools (the keys given); masking and
request_masking (any order); restore; record. A file with a single case may leave out `cases:`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snapshot.located import Located, read
from snapshot.sample import STRANGER, merged

WANTED = ("effect", "rules", "approval", "tools", "masking", "request_masking", "restore", "record")
CASE = ("description", "input", "want")


@dataclass(frozen=True)
class Case:
    file: str
    line: int
    description: str
    input: Mapping[str, Any]
    want: Mapping[str, Any]


def parse_cases(text: str, filename: str, *, need_want: bool = True) -> list[Case]:
    """`need_want=False`: a case may only ask, as `exeat policy try` does. Raises RepositoryRefused with file:line."""
    document = read(text, filename)
    if isinstance(document.value, dict) and "cases" not in document.value:
        return [_case(document, STRANGER, need_want)]
    entries = document.mapping("the file", ("given", "cases"))
    base = merged(STRANGER, entries["given"].plain() if "given" in entries else {})
    return [_case(item, base, need_want) for item in entries["cases"].items("cases")]


def _case(item: Located, base: Any, need_want: bool) -> Case:
    values = item.mapping("the case", CASE)
    for key in ("description", "want") if need_want else ("description",):
        if key not in values:
            raise item.refuse(f"the case has no `{key}`")
    want = values["want"].mapping("want", WANTED) if "want" in values else {}
    if need_want and not want:
        raise values["want"].refuse("want is empty: the case would prove nothing")
    over = values["input"].plain() if "input" in values else {}
    wanted = {name: entry.plain() for name, entry in want.items()}
    return Case(item.file, item.line, values["description"].text("description"), merged(base, over), wanted)


def differences(case: Case, decision: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for everything that is not as wanted; `decision`: the value of `data.exeat.decision`."""
    for name, wanted in case.want.items():
        found = _rules(decision) if name == "rules" else decision.get(name, DEFAULTS.get(name))
        if not _meets(wanted, found, ordered=name not in ("rules", "masking", "request_masking")):
            yield f"{name} is {found!r}, not {wanted!r}"


DEFAULTS: Mapping[str, Any] = {"masking": [], "request_masking": [], "restore": False, "record": "full", "tools": {}}


def _rules(decision: Mapping[str, Any]) -> list[Any]:
    reasons = decision.get("reasons", [])
    return [reason.get("rule") for reason in reasons if isinstance(reason, Mapping)]


def _meets(wanted: Any, found: Any, *, ordered: bool = True) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_meets(item, found.get(key)) for key, item in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list) and not ordered:
        return sorted(map(repr, wanted)) == sorted(map(repr, found))
    # true and 1 are the same to Python, not to a policy
    return type(wanted) is type(found) and wanted == found
