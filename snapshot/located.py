"""YAML whose every value knows its line, so that each complaint about a policy repository says file:line.

Stricter than YAML: one document, no anchors, aliases or tags, no duplicate keys, scalars as YAML 1.2's JSON schema
reads them (`no` is a text, not false; PyYAML alone would follow YAML 1.1).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from runtime.errors import GatewayError

Scalar: TypeAlias = "str | int | float | bool | None"
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"

INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")
CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None, "~": None, "": None}
MAX_DEPTH = 20


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong at `line` (from 1; 0: the file as a whole) of `file`."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class RepositoryRefused(GatewayError):
    """The policy repository cannot become a snapshot. The message begins with file:line where there is one."""

    code = "snapshot_refused"

    def __init__(self, file: str, line: int, text: str) -> None:
        self.problem = Problem(file, line, text)
        super().__init__(str(self.problem))


@dataclass(frozen=True)
class Located:
    """A value at `line` (from 1) of `file`: a scalar, a list of Located, or a mapping of name to Located."""

    file: str
    line: int
    value: "Scalar | list[Located] | dict[str, Located]"

    def refuse(self, text: str) -> RepositoryRefused:
        return RepositoryRefused(self.file, self.line, text)

    def mapping(self, what: str, keys: Iterable[str] | None = None) -> "dict[str, Located]":
        """Its entries; with `keys`, any other key is refused at its own line."""
        if not isinstance(self.value, dict):
            raise self.refuse(f"{what} is not a mapping")
        known = None if keys is None else set(keys)
        for name, item in self.value.items():
            if known is not None and name not in known:
                raise item.refuse(f"{what} has an unknown key `{name}`; known are {', '.join(sorted(known))}")
        return self.value

    def items(self, what: str) -> "list[Located]":
        if not isinstance(self.value, list):
            raise self.refuse(f"{what} is not a list")
        return self.value

    def text(self, what: str) -> str:
        if not isinstance(self.value, str):
            raise self.refuse(f"{what} is not a text")
        return self.value

    def choice(self, what: str, choices: Iterable[str]) -> str:
        allowed = list(choices)
        if self.value not in allowed:
            raise self.refuse(f"{what} is not one of {', '.join(allowed)}")
        return str(self.value)

    def plain(self) -> Plain:
        """Without the lines, as JSON would have it."""
        if isinstance(self.value, dict):
            return {name: item.plain() for name, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def read(text: str, file: str) -> Located:
    """Parses one YAML document. Raises RepositoryRefused with file:line."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            _refuse_indirection(event, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RepositoryRefused(file, mark.line + 1 if mark else 0, f"not YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise RepositoryRefused(file, 0, "not YAML: it holds a character that YAML forbids") from None
    except RecursionError:
        raise RepositoryRefused(file, 0, f"nested deeper than {MAX_DEPTH}") from None
    if node is None:
        return Located(file, 1, None)
    return _convert(node, file, 0)


def _refuse_indirection(event: yaml.Event, file: str) -> None:
    line = event.start_mark.line + 1 if event.start_mark else 0
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise RepositoryRefused(file, line, "anchors and aliases are not used here: write the value out")
    if getattr(event, "tag", None) is not None:
        raise RepositoryRefused(file, line, "tags are not used here")


def _convert(node: yaml.Node, file: str, depth: int) -> Located:
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise RepositoryRefused(file, line, f"nested deeper than {MAX_DEPTH}")
    if isinstance(node, yaml.MappingNode):
        return Located(file, line, dict(_entries(node, file, depth)))
    if isinstance(node, yaml.SequenceNode):
        return Located(file, line, [_convert(item, file, depth + 1) for item in node.value])
    assert isinstance(node, yaml.ScalarNode)
    return Located(file, line, _scalar(node))


def _entries(node: yaml.MappingNode, file: str, depth: int) -> Iterator[tuple[str, Located]]:
    seen: set[str] = set()
    for key, item in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise RepositoryRefused(file, line, "a key is not a text")
        if key.value in seen:
            raise RepositoryRefused(file, line, f"`{key.value}` is given twice")
        seen.add(key.value)
        value = _convert(item, file, depth + 1)
        # a complaint about an entry points at its key, also where its value begins on a later line
        yield str(key.value), Located(file, line, value.value)


def _scalar(node: yaml.ScalarNode) -> Scalar:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in CONSTANTS:
        return CONSTANTS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return text
