"""A detector's hit as it may be told: rule, where, how many, keyed token; never the value."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

# An event body is at most 60,000 bytes; 200 findings of about 150 bytes leave half of it to the rest.
MOST_FINDINGS = 200
ELSEWHERE = "…"


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` is a JSON path, a stream channel or a header's name; `token` is "" when no keyed token may be shown."""

    rule: str
    version: str
    where: str
    operator: str
    count: int = 1
    token: str = ""


class Found(Protocol):
    """What a finding needs to know of the rule that made it."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def kind(self) -> str: ...


class _Teller(NamedTuple):
    name: str
    version: str
    kind: str


class Findings:
    """Collects hits and adds up equal ones.

    At most `MOST_FINDINGS` different ones are told apart between two calls of `take`; once there are so many (`full`),
    hits are counted under their rule alone (`where` = "…", no token): a body of a million hits stays a short list.
    """

    __slots__ = ("_counts", "full")

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str, str, str], int] = {}
        self.full = False
        """Neither place nor token of what is found now will be told: they need not be made."""

    def add(self, rule: Found, where: str, count: int = 1, token: str = "", operator: str = "") -> None:
        if self.full:
            where, token = ELSEWHERE, ""
        key = (rule.name, rule.version, where, operator or rule.kind, token)
        counts = self._counts
        counts[key] = counts.get(key, 0) + count
        self.full = len(counts) >= MOST_FINDINGS

    def tell(self, finding: Finding) -> None:
        """One hit that somebody else has found."""
        self.add(_Teller(finding.rule, finding.version, finding.operator), finding.where, 1, finding.token)

    def take(self) -> list[Finding]:
        """The findings so far, in the order of their first hit; the next call starts anew."""
        counts, self._counts, self.full = self._counts, {}, False
        return [
            Finding(name, version, where, operator, count, token)
            for (name, version, where, operator, token), count in counts.items()
        ]

    def __len__(self) -> int:
        return len(self._counts)
