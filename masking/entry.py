"""One rule as it stands in masking.yaml, read and checked: what it selects, where it applies, what it does."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib.util import find_spec
from typing import Any

from masking import detectors, operators, validators
from masking.detector import Detector
from masking.errors import PatternRefused
from masking.located import Located
from masking.matcher import compiled
from masking.operators import Operator
from masking.scan import Rule
from masking.select import KeyRule, PathPattern, parse_path

SELECTORS = ("detect", "key", "path", "pattern", "include")
_COMMON = frozenset(("name", "operator", "connection", "direction", "scope"))
_ALLOWED = {
    "detect": _COMMON | {"detect", "stream", "except"},
    "key": _COMMON | {"key"},
    "path": _COMMON | {"path"},
    "pattern": _COMMON | {"pattern", "context", "ignore_case", "validate", "swallow"},
    "include": frozenset(("include",)),
}
_PARTIAL = {"last4": operators.LAST4, "first6_last4": operators.FIRST6_LAST4}
_PLAIN = {
    each.kind: each
    for each in (
        operators.REDACT,
        operators.TOKEN,
        operators.REVERSIBLE,
        operators.FORMAT,
        operators.DROP,
        operators.BLOCK,
    )
}
_VALIDATORS: dict[str, Callable[[bytes], int]] = {
    "card": validators.card,
    "iban": validators.iban,
    "aba": validators.aba,
    "us_ssn": validators.us_ssn,
    "luhn": lambda text: len(text) if validators.luhn(validators.digits_of(text)) else 0,
    "secret": validators.opaque(8),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule of a profile. Exactly one of `detectors`, `keys`, `paths` is filled."""

    located: Located
    operator: Operator
    name: str = ""
    detectors: tuple[Detector, ...] = ()
    keys: tuple[str, ...] = ()
    paths: tuple[PathPattern, ...] = ()
    connections: tuple[str, ...] = ("*",)
    directions: tuple[str, ...] = ("request", "response")
    session: bool = True

    def applies(self, connection: str, direction: str) -> bool:
        return direction in self.directions and any(fnmatchcase(connection, each) for each in self.connections)

    def rules(self, telling: Callable[[str], bool]) -> list[Rule]:
        return [
            Rule(
                self.name or detector.name,
                self._version(detector),
                detector,
                self.operator,
                self.session,
                telling(detector.name),
            )
            for detector in self.detectors
        ]

    def key_rule(self) -> KeyRule:
        name = self.name or "key"
        return KeyRule(name, self._version(), self.keys, self.paths, self.operator, self.session)

    def _version(self, detector: Detector | None = None) -> str:
        """Changes whenever what the rule finds or does changes: findings of different versions are told apart."""
        what: Any = detector
        if detector is not None:
            what = (detector.pattern, detector.context, detector.swallow, detector.until, detector.ignore_case)
            what = (
                *what,
                *(("standing",) if detector.standing else ()),
                detector.version,
                getattr(detector.validate, "__qualname__", ""),
            )
        definition = repr((what, self.keys, self.paths, self.operator, self.session))
        return hashlib.sha256(definition.encode()).hexdigest()[:8]


def read(located: Located) -> Entry:
    """Read one rule (not an `include`). Raises RuleError."""
    fields = located.mapping()
    selector = selector_of(located, fields)
    entry = Entry(
        located,
        operator=_operator(fields["operator"]) if "operator" in fields else operators.REDACT,
        name=_name(fields["name"]) if "name" in fields else "",
        connections=fields["connection"].texts() if "connection" in fields else ("*",),
        directions=_directions(fields["direction"]) if "direction" in fields else ("request", "response"),
        session=_scope(fields["scope"]) if "scope" in fields else True,
    )
    if selector == "key":
        return replace(entry, keys=fields["key"].texts())
    if selector == "path":
        return replace(entry, paths=tuple(_path(each) for each in fields["path"].items()))
    if selector == "pattern":
        return replace(entry, detectors=(_custom(fields, entry.name),))
    return replace(entry, detectors=_detectors(fields))


def selector_of(located: Located, fields: dict[str, Located]) -> str:
    chosen = [each for each in SELECTORS if each in fields]
    if len(chosen) != 1:
        raise located.error(f"a rule has exactly one of {', '.join(SELECTORS)}")
    for field, value in fields.items():
        if field not in _ALLOWED[chosen[0]]:
            raise value.error(f"{field!r} has no meaning in a rule with {chosen[0]!r}")
    return chosen[0]


def _detectors(fields: dict[str, Located]) -> tuple[Detector, ...]:
    without = {name for each in fields["except"].items() for name in (each.text(),)} if "except" in fields else set()
    found: dict[Detector, None] = {}
    for each in fields["detect"].items():
        chosen = detectors.select(each.text())
        if not chosen:
            raise each.error(f"no detector or group is called {each.text()!r}")
        for detector in chosen:
            if detector.needs and find_spec(detector.needs) is None:
                raise each.error(f"{detector.name} needs the package {detector.needs!r}, which is not installed")
            if detector.name not in without and not without.intersection(detector.groups):
                found[detector] = None
    partial = "stream" in fields and _choice(fields["stream"], ("exact", "partial")) == "partial"
    if partial and not any(detector.name == "email" for detector in found):
        raise fields["stream"].error("`stream: partial` is about `email` only: other rules hold next to nothing")
    if not partial:
        return tuple(found)
    domains = detectors.select("email_domain")
    return tuple(detector for detector in found if detector.name != "email") + domains


def _custom(fields: dict[str, Located], name: str) -> Detector:
    """A detector of the rule's own pattern. Patterns outside what can be streamed exactly are refused."""
    if not name:
        raise fields["pattern"].error("a rule with a pattern needs a name")
    validate = None
    if "validate" in fields:
        validate = _VALIDATORS[_choice(fields["validate"], tuple(_VALIDATORS))]
    detector = Detector(
        name=name,
        pattern=fields["pattern"].text(),
        groups=(),
        positive=(),
        context=fields["context"].text() if "context" in fields else "",
        swallow=fields["swallow"].text() if "swallow" in fields else "",
        ignore_case="ignore_case" in fields and fields["ignore_case"].flag(),
        validate=validate,
    )
    try:
        compiled(detector)
    except PatternRefused as exc:
        raise fields["pattern"].error(f"rule {name!r}: {exc.message}") from exc
    return detector


def _operator(located: Located) -> Operator:
    """`redact`, or one entry: `{redact: "text"}`, `{partial: last4}`."""
    if not located.is_mapping():
        if located.text() == "partial":
            raise located.error("say which: `{partial: last4}` or `{partial: first6_last4}`")
        return _PLAIN[_choice(located, tuple(_PLAIN))]
    entries = located.mapping()
    if len(entries) != 1:
        raise located.error("an operator is one name, or one `name: detail`")
    ((kind, detail),) = entries.items()
    if kind == "redact":
        return replace(operators.REDACT, text=detail.text())
    if kind == "partial":
        return _PARTIAL[_choice(detail, tuple(_PARTIAL))]
    raise located.error(f"operator {kind!r} takes no detail")


def _choice(located: Located, choices: tuple[str, ...]) -> str:
    if located.text() not in choices:
        raise located.error(f"{located.text()!r} is none of {', '.join(choices)}")
    return located.text()


def _directions(located: Located) -> tuple[str, ...]:
    return tuple(_choice(each, ("request", "response")) for each in located.items())


def _scope(located: Located) -> bool:
    return _choice(located, ("session", "gateway")) == "session"


def _path(located: Located) -> PathPattern:
    try:
        return parse_path(located.text())
    except ValueError as exc:
        raise located.error(str(exc)) from exc


def _name(located: Located) -> str:
    name = located.text()
    if not name.replace("_", "").isalnum() or not name.isascii() or name != name.lower() or len(name) > 40:
        raise located.error("a name is at most 40 lower-case letters, digits and underscores")
    return name
