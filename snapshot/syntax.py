"""What a Rego module says of itself, read from the syntax tree that OPA's `rego.parse_module` prints. Pure.

The tree has no line numbers, so a complaint's line is looked up in the source by the name complained about.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from snapshot.builtins import REASONS, refusal
from snapshot.located import Problem

ENTRY_PACKAGE = ("exeat",)
RESERVED = {"system": "OPA's own documents", "snapshot": "the snapshot's name"}
SCHEMAS = re.compile(r"^\s*schemas\s*:")
# OPA's messages: FILE:ROW: CODE: TEXT, one or several, each with an excerpt below it
COMPLAINT = re.compile(r"^(?P<file>[^\s:][^:]*?)(?::(?P<row>[0-9]+))?: (?P<code>(?:rego|eval)_[a-z_]+): (?P<text>.*)$")


@dataclass(frozen=True)
class Module:
    path: str
    source: str
    tree: Mapping[str, Any]

    @property
    def is_test(self) -> bool:
        return self.path.endswith("_test.rego")

    @property
    def package(self) -> tuple[str, ...]:
        """Its path below `data`."""
        return tuple(str(part["value"]) for part in self.tree["package"]["path"][1:])

    @property
    def rules(self) -> "list[Mapping[str, Any]]":
        return list(self.tree.get("rules") or [])

    def names(self) -> set[str]:
        """The first name of each rule."""
        return {str(rule["head"]["ref"][0]["value"]) for rule in self.rules}

    def tests(self) -> list[str]:
        """`test_*` rules, in order of appearance; `todo_test_*` are left out, as `opa test` does."""
        found = [str(rule["head"]["ref"][0]["value"]) for rule in self.rules]
        return list(dict.fromkeys(name for name in found if name.startswith("test_")))

    def aliases(self) -> set[str]:
        """Names that stand for another document in this file."""
        found = set()
        for imported in self.tree.get("imports") or []:
            path = imported["path"]["value"]
            found.add(str(imported.get("alias") or path[-1]["value"]))
        return found

    def line(self, pattern: str) -> int:
        """The first line where `pattern` stands outside of comments; 0 if none."""
        for number, text in enumerate(without_comments(self.source), 1):
            if re.search(pattern, text):
                return number
        return 0

    def problem(self, line: int, text: str) -> Problem:
        return Problem(self.path, line, text)


def check(module: Module, functions: Mapping[tuple[str, ...], set[str]]) -> Iterator[Problem]:
    """What a module may not do though OPA would take it. `functions`: rule names of each package."""
    root = module.package[0] if module.package else ""
    if root in RESERVED:
        yield module.problem(module.line(r"^\s*package\b"), f"package `{root}` is for {RESERVED[root]}")
    yield from _check_schemas(module)
    local = functions.get(module.package, set()) | module.aliases() | {"data"}
    seen: set[str] = set()
    for name, called in _references(module.tree.get("rules") or []):
        reason = _complaint(name, called, local, module.is_test)
        if reason and reason not in seen:
            seen.add(reason)
            yield module.problem(module.line(_spelled(name)), reason)


def _complaint(name: str, called: bool, local: set[str], in_tests: bool) -> str | None:
    """A name that is only referred to can still be called, as the value of `with lower as http.send`."""
    if not called:
        return refusal(name, in_tests=in_tests) if name in REASONS else None
    if name.split(".")[0] in local and name not in REASONS:
        return None
    return refusal(name, in_tests=in_tests)


def _references(node: Any) -> Iterator[tuple[str, bool]]:
    """Every dotted name in a tree with whether it is in a calling place; prefixes of a reference count, too."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
        return
    if not isinstance(node, dict):
        return
    operator = _operator(node)
    if operator is not None:
        yield _dotted(operator), True
    if node.get("type") == "ref":
        yield from ((name, False) for name in _prefixes(node))
    if node.get("type") == "var":
        yield str(node["value"]), False
    for item in node.values():
        seen = operator is not None and isinstance(item, list) and item and item[0] is operator
        yield from _references(item[1:] if seen else item)


def _operator(node: Mapping[str, Any]) -> Any:
    """The called reference of a call term or of a call expression; None for anything else."""
    items = node.get("value") if node.get("type") == "call" else node.get("terms")
    if isinstance(items, list) and items and isinstance(items[0], dict) and items[0].get("type") in ("ref", "var"):
        return items[0]
    return None


def _prefixes(reference: Mapping[str, Any]) -> Iterator[str]:
    parts = _parts(reference)
    for length in range(1, len(parts) + 1):
        yield ".".join(parts[:length])


def _dotted(reference: Mapping[str, Any]) -> str:
    return ".".join(_parts(reference))


def _parts(reference: Mapping[str, Any]) -> list[str]:
    """Its leading name and strings, up to the first step that is computed."""
    if reference["type"] == "var":
        return [str(reference["value"])]
    parts: list[str] = []
    for index, part in enumerate(reference["value"]):
        if part["type"] != ("string" if index else "var"):
            break
        parts.append(str(part["value"]))
    return parts


def _check_schemas(module: Module) -> Iterator[Problem]:
    """Schema annotations may name a URL, which the compiler would fetch."""
    for comment in module.tree.get("comments") or []:
        if SCHEMAS.search(base64.b64decode(comment["Text"]).decode("utf-8", "replace")):
            yield module.problem(comment["Location"]["row"], "`schemas` annotations are not allowed")


def _spelled(name: str) -> str:
    """A pattern of the name as it may be written: `http.send`, `http["send"]`."""
    first, *rest = (re.escape(part) for part in name.split("."))
    steps = "".join(rf'\s*(?:\.\s*{part}\b|\[\s*["`]{part}["`]\s*\])' for part in rest)
    return rf"(?<![\w.]){first}\b{steps}"


def without_comments(source: str) -> Iterable[str]:
    """Its lines, each without its comment; strings stay."""
    strings = re.compile(r'("(?:[^"\\]|\\.)*"|`[^`]*`)|#.*')
    return (strings.sub(lambda match: match[1] or "", line) for line in source.splitlines())


def complaints(text: str, fallback: str) -> list[Problem]:
    """OPA's error text as problems with file and line; `fallback`: the file when OPA names none."""
    found = []
    for line in text.replace("bundle activation failed: ", "").splitlines():
        match = COMPLAINT.match(re.sub(r"^[0-9]+ errors? occurred: ", "", line))
        if match:
            found.append(Problem(match["file"], int(match["row"] or 0), f"{match['code']}: {match['text']}"))
    return list(dict.fromkeys(found)) or [Problem(fallback, 0, text.splitlines()[0] if text else "refused by OPA")]
