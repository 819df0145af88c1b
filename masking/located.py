"""YAML that remembers its lines, so that every complaint about a rule can say file:line."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from masking.errors import RuleError


@dataclass(frozen=True, slots=True)
class Located:
    """One node of the document, read by asking for what it should be."""

    filename: str
    node: yaml.Node

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    def error(self, reason: str) -> RuleError:
        return RuleError(self.filename, self.line, reason)

    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    def mapping(self) -> dict[str, "Located"]:
        """Its entries; keys are texts and occur once."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error("expected `name: value` entries")
        entries: dict[str, Located] = {}
        for key, value in self.node.value:
            name = Located(self.filename, key)
            if name.text() in entries:
                raise name.error(f"{name.text()!r} occurs twice")
            entries[name.text()] = Located(self.filename, value)
        return entries

    def items(self) -> Iterator["Located"]:
        """The elements of a list; of a single value, that value."""
        if isinstance(self.node, yaml.SequenceNode):
            for each in self.node.value:
                yield Located(self.filename, each)
        else:
            yield self

    def text(self) -> str:
        """A plain value as it is written; `yes` and `007` stay texts."""
        if not isinstance(self.node, yaml.ScalarNode) or not str(self.node.value):
            raise self.error("expected a text")
        return str(self.node.value)

    def texts(self) -> tuple[str, ...]:
        return tuple(each.text() for each in self.items())

    def flag(self) -> bool:
        if self.text() not in ("true", "false"):
            raise self.error("expected true or false")
        return self.text() == "true"


def _line(mark: Any) -> int:
    return int(mark.line) + 1 if mark is not None else 1


def load(text: str, filename: str) -> Located:
    """Parse one document. Aliases are refused: a short file must not stand for a long one."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise RuleError(filename, _line(event.start_mark), "aliases are not supported")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        raise RuleError(filename, _line(mark), f"not YAML: {exc.problem}") from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise RuleError(filename, 1, "not YAML") from exc
    if node is None:
        raise RuleError(filename, 1, "the file is empty")
    return Located(filename, node)
