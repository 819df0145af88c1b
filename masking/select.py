"""Rules that select by a field's name or by its path, for text that has fields (JSON, forms, CSV columns, headers)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from masking.operators import REDACT, Operator

Path = tuple[str | int, ...]
# Decisions per field name are remembered up to this many names; a hostile body can hold millions of different ones.
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Masks every scalar under a field. `keys`: name patterns; `paths`: compiled steps, see `parse_path`."""

    name: str
    version: str
    keys: tuple[str, ...] = ()
    paths: tuple["PathPattern", ...] = ()
    operator: Operator = REDACT
    session: bool = True
    telling: bool = True

    @property
    def kind(self) -> str:
        return self.operator.kind


@dataclass(frozen=True, slots=True)
class PathPattern:
    """Steps to match: a name, an index, "*" for any one step, "**" for any number. Not `rooted`: may start anywhere."""

    steps: Path
    rooted: bool


def normal(name: str) -> str:
    """`Card-Number`, `card_number`, `cardNumber` → `cardnumber`: spelling does not hide a field. Keeps `*`."""
    return "".join(char for char in name.lower() if char.isalnum() or char == "*")


def parse_path(text: str) -> PathPattern:
    """Read `$.customer.ssn` (from the root), `accounts[*].number` (anywhere), `$..iban`. ValueError if malformed."""
    rooted = text.startswith("$")
    rest = text.removeprefix("$")
    steps: list[str | int] = []
    while rest:
        if rest.startswith("["):
            inner, closed, rest = rest[1:].partition("]")
            if not closed or not inner:
                raise ValueError(f"path {text!r}: a bracket is not closed or empty")
            steps.append(_bracket(inner))
            continue
        if rest.startswith(".."):
            steps.append("**")
            rest = rest[2:]
        else:
            rest = rest.removeprefix(".")
        cut = min((at for at in (rest.find("."), rest.find("[")) if at >= 0), default=len(rest))
        if cut == 0:
            raise ValueError(f"path {text!r}: a name is missing")
        steps.append(rest[:cut])
        rest = rest[cut:]
    if not steps:
        raise ValueError(f"path {text!r} names nothing")
    return PathPattern(tuple(steps), rooted)


def _bracket(inner: str) -> str | int:
    if inner == "*":
        return "*"
    if inner[0] in "'\"" and inner[-1] == inner[0] and len(inner) > 2:
        return inner[1:-1]
    if inner.isdecimal() and inner.isascii():
        return int(inner)
    raise ValueError(f"[{inner}] is neither an index, [*] nor a quoted name")


def path_matches(pattern: PathPattern, path: Path) -> bool:
    """Does the whole path match (from any depth on, unless the pattern is rooted)? Names compare exactly."""
    steps = pattern.steps if pattern.rooted else ("**", *pattern.steps)
    # The set of positions in `steps` reached so far: linear in the path, however many `**` there are.
    reached = _skip(steps, {0})
    for part in path:
        after: set[int] = set()
        for at in reached:
            if at == len(steps):
                continue
            step = steps[at]
            if step == "**":
                after.add(at)
            elif step == "*" or step == part:
                after.add(at + 1)
        reached = _skip(steps, after)
        if not reached:
            return False
    return len(steps) in reached


def _skip(steps: Path, at: set[int]) -> set[int]:
    """`**` may stand for no step at all."""
    more = set(at)
    for each in at:
        while each < len(steps) and steps[each] == "**":
            each += 1
            more.add(each)
    return more


class Selection:
    """The key and path rules of one scanner."""

    def __init__(self, rules: Sequence[KeyRule]) -> None:
        self._by_key = [(normal(key), rule) for rule in rules for key in rule.keys]
        self._by_path = [(path, rule) for rule in rules for path in rule.paths]
        self.names = tuple(name for name, _ in self._by_key)
        self.has_keys = bool(self._by_key)
        self.has_paths = bool(self._by_path)
        self._known: dict[str, KeyRule | None] = {}

    def find(self, key: str, path: Path) -> KeyRule | None:
        """The strictest rule for this field; of equally strict ones the first."""
        best = self._named(key) if self.has_keys else None
        for pattern, rule in self._by_path:
            if (best is None or rule.operator.rank > best.operator.rank) and path_matches(pattern, path):
                best = rule
        return best

    def _named(self, key: str) -> KeyRule | None:
        try:
            return self._known[key]
        except KeyError:
            pass
        name, best = normal(key), None
        for pattern, rule in self._by_key:
            fits = fnmatchcase(name, pattern) if "*" in pattern else name == pattern
            if fits and (best is None or rule.operator.rank > best.operator.rank):
                best = rule
        if len(self._known) < _REMEMBERED:
            self._known[key] = best
        return best
