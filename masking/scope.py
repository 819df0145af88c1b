"""What every skin hands down: the scanner, the sink of findings, and where in the document we are."""

from dataclasses import dataclass, replace
from functools import lru_cache

from masking.finding import Findings
from masking.scan import Scanner
from masking.select import KeyRule, Path


@lru_cache(maxsize=256)
def spell(path: Path) -> str:
    """A path as findings tell it: `$.accounts[*].number`. Indexes are not told: equal findings add up."""
    return "$" + "".join("[*]" if isinstance(step, int) else f".{step}" for step in path)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where text stands. `path` leads to it from the document's root; `name`, if set, is told instead of the path."""

    scanner: Scanner
    sink: Findings
    path: Path = ()
    name: str = ""
    depth: int = 0
    """How many documents deep: JSON in a string of JSON is one deeper."""
    skip: int = 0
    """Steps at the beginning of a path inside the document that `path` already stands for (an event's envelope)."""

    @property
    def where(self) -> str:
        return self.name or spell(self.path)

    def at(self, path: Path) -> "Scope":
        """Further down: `path` leads there inside this document."""
        return Scope(self.scanner, self.sink, self.path + path[self.skip :], self.name, self.depth)

    def told(self, path: Path) -> str:
        """`where` of the scope at that path."""
        return self.name or spell(self.path + path[self.skip :])

    def envelope(self, skip: int) -> "Scope":
        """For a document whose first `skip` steps lead to what this scope is about."""
        return replace(self, skip=skip)

    def aside(self) -> "Scope":
        """The same place with a sink that nobody reads: for what is told elsewhere, or only asked."""
        return replace(self, sink=Findings())

    def deeper(self) -> "Scope":
        return replace(self, depth=self.depth + 1)

    def rule(self, key: str) -> KeyRule | None:
        scanner = self.scanner
        if scanner.has_key_rules or scanner.has_path_rules:
            return scanner.key_rule(key, self.path)
        return None
