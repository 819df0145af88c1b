"""The compiled scanner: which rules look at a text, what a hit becomes, and what it leaves in the findings.

Semantics, on which the law "streamed equals whole" rests: starts are examined from left to right; at each start every
rule is tried; the longest validated match is masked, by the strictest of the operators that matched (of equal ones by
the longest, contacts last). Whether a start matches depends on at most KEPT bytes before it and on the bytes of
the match and one more, nothing else; for detectors that are `standing` also on what an identifier around it could go on
with.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from masking import identifiers, operators, validators
from masking.combined import combined
from masking.detector import Detector
from masking.engine import ANYWHERE, HERE
from masking.errors import Blocked
from masking.finding import Findings
from masking.keys import Keys
from masking.matcher import KEPT, Matcher
from masking.operators import REDACT, Operator, Rank
from masking.select import KeyRule, Selection

_SHORTEST_CARD = 12
_RESTORE, _REVERSIBLE, _TOKEN, _REDACT, _BLOCK = Rank.RESTORE, Rank.REVERSIBLE, Rank.TOKEN, Rank.REDACT, Rank.BLOCK


@dataclass(frozen=True, slots=True)
class Rule:
    """What to look for and what to do with it. `session` ties tokens to the scanner's tweak; `telling` lets findings
    carry a token (never for card numbers that some profile truncates: both together would give the number away)."""

    name: str
    version: str
    detector: Detector
    operator: Operator = REDACT
    session: bool = True
    telling: bool = True

    @property
    def kind(self) -> str:
        return self.operator.kind


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a key or path rule makes of a whole value. `drop`: leave the field out altogether."""

    data: bytes
    drop: bool = False


class Parts(IntEnum):
    """Of what a file of rules shows parts (`partial`). A card number that is shown in part anywhere has no token."""

    NOTHING = 0
    OTHERS = 1  # of detectors for something else alone
    CARDS = 2  # of cards, or of fields and patterns, whatever they hold


class Hit(NamedTuple):
    """A validated match: where it ends, whose it is (a rule's index; -1: nobody's, see text.py), is the end its own?"""

    end: int
    rule: int
    whole: bool = True


class Scanner:
    """The rules of the chosen profiles for one connection and direction. Immutable and shareable between channels."""

    __slots__ = (
        "_keys",
        "_order",
        "_over_lines",
        "_parts",
        "_ranks",
        "_seal_tweak",
        "_tweak",
        "blocking",
        "combined",
        "has_key_rules",
        "has_path_rules",
        "matchers",
        "rules",
        "selection",
    )

    def __init__(
        self,
        rules: Sequence[Rule],
        keys: Keys,
        *,
        tweak: bytes = b"",
        selection: Selection | None = None,
        answer: bool = False,
        parts: Parts = Parts.NOTHING,
    ) -> None:
        """`answer`: what is sealed in answers is bound to that, so that no restorer of requests' tokens opens it."""
        self.rules = tuple(rules)
        self._ranks = tuple(int(rule.operator.rank) for rule in self.rules)
        # Of equal ranks e-mail and telephone come last: `app:pass@db.example` is a password before it is an address.
        self._order = tuple(
            2 * rank + ("contact" not in rule.detector.groups)
            for rank, rule in zip(self._ranks, self.rules, strict=True)
        )
        self.blocking = int(Rank.BLOCK) in self._ranks
        """Could a hit forbid the whole body?"""
        self._keys, self._tweak, self._parts = keys, tweak, parts
        self._seal_tweak = b"\0answer" if answer else b""
        self.selection = selection or Selection(())
        self.has_key_rules = self.selection.has_keys
        self.has_path_rules = self.selection.has_paths
        self.combined = combined(tuple(rule.detector for rule in self.rules))
        self.matchers: tuple[Matcher, ...] = self.combined.matchers
        self._over_lines: Scanner | None = None

    def key_rule(self, key: str, path: tuple[str | int, ...]) -> KeyRule | None:
        """The strictest rule selected by this key's name or by the path of its value (which ends with the key)."""
        return self.selection.find(key, path)

    def tied(self, tweak: bytes) -> "Scanner":
        """The same rules with another tweak: nothing is compiled or looked up again."""
        other = copy(self)
        other._tweak, other._over_lines = tweak, None
        return other

    @property
    def over_lines(self) -> "Scanner":
        """Of these rules, those whose secrets go over several lines."""
        if self._over_lines is None:
            rules = [rule for rule, m in zip(self.rules, self.matchers, strict=True) if m.until or m.run >> 0x0A & 1]
            self._over_lines = Scanner(rules, self._keys, tweak=self._tweak, parts=self._parts)
        return self._over_lines

    def candidate(self, data: bytes) -> bool:
        """Could any rule match in here? Fast; True is no promise. Escapes must already be as the text would read."""
        both = self.combined
        return both.plain.find(data)[0] >= 0 or (both.has_context and both.context.find(data)[0] >= 0)

    def alive(self, data: bytes, start: int = 0) -> int:
        """The first byte at or after `start` that a continuation of `data` could still turn into a secret.

        len(data) when there is none. May be too early by the length of a context, never too late.
        """
        both = self.combined
        found = both.alive.find(data, max(0, start - KEPT) if both.looks_before else start)[0]
        if found < 0 or found == len(data):
            return len(data)
        if not both.first >> data[found] & 1:
            found += 1  # a byte before a value, or the first of a context
        return max(start, found, len(data) - both.widest)

    def next_plain(self, text: bytes, pos: int) -> int:
        """The next start of a candidate that needs no context; len(text) when there is none."""
        both = self.combined
        edge = pos and both.edges >> text[pos - 1] & 1  # the byte before may be part of what the search looks for
        start: int = both.plain.raw(ANYWHERE, text, pos - 1 if edge else pos, len(text))[0][0]
        if start < 0:
            return len(text)
        if start < pos or not both.first >> text[start] & 1:
            start += 1  # found by the byte before the value, or what is found there has been examined
        return start

    def next_value(self, text: bytes, pos: int) -> int:
        """The next start of a value that its context announces; len(text) when there is none."""
        return self.combined.next_value(text, pos) if self.combined.has_context else len(text)

    def examine(self, text: bytes, start: int, announced: bool) -> tuple[Hit | None, int]:
        """Try every rule at `start`: (the hit, or None; end of the longest candidate that validation turned down).

        `announced`: `next_value` gave this start, so rules with a context may match too.
        """
        reach = refused = strictest = own = chosen = -1
        size, matchers, ranks = len(text), self.matchers, self._order
        for index in self.combined.starting(text, start, announced):
            rank = ranks[index]
            if own == size and rank <= strictest:
                continue  # it reaches no further and is no stricter
            matcher = matchers[index]
            end = matcher.here(HERE, text, start, size)[0][1]
            if end < 0 or (matcher.looks_before and not matcher.fits(text, start, end)):
                continue
            if matcher.validate is not None:
                length = matcher.validate(text[start:end])
                if length <= 0:
                    refused = max(refused, end)
                    continue
                end = start + length
            if matcher.standing and identifiers.within(text, start, end):
                refused = max(refused, end)
                continue
            if end > reach:
                reach = end
            if rank > strictest or (rank == strictest and end > own):
                strictest, own, chosen = rank, end, index
        return (None if reach < 0 else Hit(reach, chosen, own == reach)), refused

    def blocks(self, hit: Hit) -> bool:
        """Does the hit forbid the whole body?"""
        return self._ranks[hit.rule] == Rank.BLOCK

    def replace(self, rule: Rule | KeyRule, value: bytes, where: str, sink: Findings, *, whole: bool = True) -> bytes:
        """The operator on one value, told to the findings. Not `whole`: only the start of it was seen, so redact."""
        tweak = self._tweak if rule.session else b""
        operator = rule.operator
        rank = operator.rank
        if rank is _RESTORE:
            return self._restore(rule, value, where, sink, tweak)
        if not whole and rank < _REDACT:
            operator, rank = REDACT, _REDACT
        telling = rule.telling
        if self._parts and len(value) >= _SHORTEST_CARD and validators.card(value):
            operator, telling = self._of_card(operator, telling)
            rank = operator.rank
        token = ""
        if rank is _TOKEN or (whole and telling and rank is not _BLOCK and not sink.full):
            token = operators.token(value, rule.name, self._keys, tweak)
        sink.add(rule, where, 1, token if telling else "", operator.kind)
        if rank is _BLOCK:
            raise Blocked(rule.name)
        if rank is _TOKEN:
            return token.encode()
        if rank is _REVERSIBLE:
            tweak += self._seal_tweak
        return operators.replace(operator, value, rule.name, self._keys, tweak)

    def _of_card(self, operator: Operator, telling: bool) -> tuple[Operator, bool]:
        """What is done to a card number, whichever rule found it: never a part of it here and a token of it there."""
        if self._parts is Parts.CARDS:
            return (REDACT if operator.tokenises else operator), False
        return (REDACT if operator.truncates else operator), telling

    def _restore(self, rule: Rule | KeyRule, value: bytes, where: str, sink: Findings, tweak: bytes) -> bytes:
        back = operators.replace(rule.operator, value, rule.name, self._keys, tweak)
        if back != value:
            sink.add(rule, where)
        return back

    def apply(self, rule: KeyRule, value: bytes, where: str, sink: Findings) -> Replacement:
        """The operator of a key or path rule on a whole value."""
        return Replacement(self.replace(rule, value, where, sink), drop=rule.operator.rank is Rank.DROP)
