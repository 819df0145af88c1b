"""Whole tokens of JSON: which of them are masked, and by what.

The walker jumps from one place that the probe points at to the next, and reads tokens one by one only there: while a
key's value is to be masked or is announced by its key, under a key rule, and everywhere when rules select by path.
"""

from dataclasses import dataclass

from masking import jsonheld, schemas
from masking.dropping import Dropping, Swallower
from masking.edits import CLOSED, CUT, MORE, Core, Edit, End
from masking.finding import ELSEWHERE
from masking.jsonheld import Extent
from masking.jsonplace import Place
from masking.jsontext import Quoted, Unescaper, escape
from masking.jsontoken import (
    IS_KEY,
    IS_PIECE,
    MAX_PIECE,
    NUMBERS,
    SPACES,
    TOKEN,
    as_value,
    loose,
    neutral,
    piece_start,
    text_from,
    whole_atoms,
)
from masking.operators import Rank
from masking.probe import probe
from masking.scope import Scope
from masking.select import KeyRule
from masking.strings import RuledCore, StringCore, is_prose
from masking.text import TextStream, short_text

# A longer key is not looked up in rules and announces nothing; its own text is still scanned.
MAX_KEY = 1024
# What text that begins in the middle of a document sees of the bytes before it.
LEFT = 128
# White space between a comma and the member behind it, beyond which a dropped member leaves its comma …
MAX_SPACE = 1024
# … and the distance from a key to its value beyond which a dropped value leaves its key and becomes null. Both fit into
# what the stream keeps together.
MAX_MEMBER = 2048
# Keys of one document that are remembered with what they mean; records repeat theirs.
MAX_KNOWN = 2048


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its value needs it. `context` stands before the value for the detectors; b"" when none cares."""

    context: bytes
    rule: KeyRule | None
    text: str = ""


NO_KEY = Key(b"", None)
_BEHIND_VALUE = (b",", b"}", b"]")
LONG_KEY = Key(b"", None)


class Walker:
    """Reads whole tokens; answers with edits in offsets of the run."""

    __slots__ = (
        "_base", "_colon_last", "_declared", "_declared_level", "_drop", "_edits", "_holds", "_key", "_key_at",
        "_known", "_list_key", "_norm", "_place", "_probe", "_raw", "_rule", "_rule_level", "_scope", "_started",
        "_stepwise", "after_string",
    )  # fmt: skip

    def __init__(self, scope: Scope, *, holds: bool) -> None:
        self._scope = scope
        self._holds = holds
        self._probe = probe(scope.scanner)
        self._stepwise = scope.scanner.has_path_rules
        self._place = Place()
        self._key = NO_KEY  # the value of this key comes next
        self._key_at = 0  # offset of that key
        self._list_key = NO_KEY  # … or an element of the plain list that is its value
        self._rule: KeyRule | None = None  # everything below is masked by this rule …
        self._rule_level = 0  # … until this many containers are closed
        self._declared: KeyRule | None = None  # below is what a schema says of a field of this rule …
        self._declared_level = 0  # … until this many containers are closed
        self._known: dict[bytes, Key] = {}
        self._drop = Dropping()
        self._started = False
        self._colon_last = False  # the last block ended behind a colon
        self._raw = self._norm = b""
        self._base = 0
        self._edits: list[Edit] = []
        self.after_string = False
        """The last thing read was a string that was not read as a token: a colon may still make it a key."""

    def walk(
        self, raw: bytes, norm: bytes, start: int, stop: int, base: int, edits: list[Edit], end: End = MORE
    ) -> int:
        """Work off the tokens of raw[start:stop]. Returns where JSON ends and text begins; -1 while it goes on."""
        self._raw, self._norm, self._base, self._edits = raw, norm, base, edits
        text = text_from(norm, start, stop)
        stop = stop if text < 0 else text
        careful = self._stepwise
        # A number at the very end may have been cut off; it is looked at even where it is no candidate yet.
        last = piece_start(norm, start, stop) if end is not MORE else stop
        at, hit = start, -1
        while at < stop:
            if hit < at:
                hit = self._probe.find(norm, at)[0]
                careful = careful or (hit < stop and loose(norm, hit))
                hit = last if at <= last < min(hit, stop) else hit
            if not (careful or self._attentive):
                at = self._jump(at, hit, stop)
                if at <= hit < stop and norm[at] == 0x22 and (to := self._plain_value(at, stop)):
                    at = to
                    continue
            if at < stop and hit == at and self._holds and jsonheld.begins(norm, at):
                at = self._held(at, hit, stop, end)
            elif at < stop:
                at = self._read(at, hit, stop, end)
        self._drop.flush(base + stop, edits)
        self._colon_last = self._behind_colon(stop)
        return text

    @property
    def _attentive(self) -> bool:
        """Does the next token matter, whatever it is?"""
        key, drop = self._key, self._drop
        return (
            (key is not NO_KEY and (key.rule is not None or bool(key.context)))
            or self._rule is not None
            or self._declared is not None
            or drop.active
            or drop.eat
            or bool(self._list_key.context)
        )

    def _jump(self, at: int, hit: int, stop: int) -> int:
        """Leave unread what lies before the token in which the next hit is; where that token begins."""
        norm = self._norm
        if hit >= stop:
            token = stop
        elif norm.count(b'"', at, hit) % 2:
            token = norm.rfind(b'"', at, hit)
        elif norm[hit] in b'"{}[],':
            token = hit
        else:
            token = piece_start(norm, at, hit)
        if token > at:
            self._place.skip(norm[at:token])
            self._key = self._list_key = NO_KEY
            self._started = True
        return token

    def _plain_value(self, at: int, stop: int) -> int:
        """`_read` in short, after a jump, for a string that plainly is a value: where it ends; 0 if it may be a key."""
        norm = self._norm
        end = norm.find(b'"', at + 1, stop)
        if end < 0 or norm[end + 1 : end + 2] not in _BEHIND_VALUE or self._key is not NO_KEY:
            return 0
        self._scan(at + 1, end, b"")
        self._started = True
        return end + 1

    def _read(self, at: int, hit: int, stop: int, end: End) -> int:
        """Read the token at `at`; where it ends."""
        found = TOKEN.match(self._norm, at, stop)
        assert found is not None
        kind, to = found.lastindex, found.end()
        if kind == IS_PIECE:
            self._piece(at, to, hit < to, CUT if end is not MORE and to == stop and self._started else CLOSED)
        elif kind == IS_KEY:
            self._on_key(at, found.end(1), to, hit < to)
        elif self._norm[at] == 0x22:
            self._on_string(at, found.end(1), hit < to)
        else:
            self._punctuation(self._norm[at], at)
        self._started = True
        return to

    def _told(self) -> Scope:
        """Where we are, for what is being found here."""
        return self._scope.at(self._place.path())

    def _punctuation(self, char: int, at: int) -> None:
        if char == 0x2C:  # ,
            self._key = NO_KEY
            self._place.element()
            self._drop.comma(self._base + at, self._edits)
        elif char == 0x7B or char == 0x5B:  # { [
            self._open(char == 0x5B, at)
        else:
            self._close(at)

    def _open(self, array: bool, at: int) -> None:
        key, self._key = self._key, NO_KEY
        rule = self._value_rule(key)
        declares = rule is not None and rule is not self._rule and not array and self._declares(rule)
        if self._declared is not None:
            self._declared_level += 1
        elif declares:
            self._declared, self._declared_level = rule, 1
        rule = None if declares else rule
        if rule is not None and rule is not self._rule:
            if rule.operator.rank is Rank.DROP:
                self._begin_drop(rule, at, key)
            else:
                self._rule, self._rule_level = rule, 0
        self._rule_level += 1
        self._list_key = key if array else NO_KEY
        self._drop.opened()
        self._place.open(array)

    def _close(self, at: int) -> None:
        self._key = self._list_key = NO_KEY
        self._rule_level -= 1
        if self._rule_level <= 0:
            self._rule = None
        self._declared_level -= 1
        if self._declared_level <= 0:
            self._declared = None
        self._drop.closed(self._base + at + 1, self._edits)
        self._place.close()

    def _held(self, at: int, hit: int, stop: int, end: End) -> int:
        """Something that is looked into only whole is at `at`; where it ends. What is cut off is masked unseen."""
        start = jsonheld.value_at(self._norm, at)
        to = Extent(start).end(self._norm)
        raw = self._raw[start:to] if 0 <= to <= stop else None
        block = start == at
        if self._rule is not None or self._drop.active or (block and raw is not None and not jsonheld.signed(raw)):
            return self._read(at, hit, stop, end)
        if raw is None:  # cut off by the end of the body: what is there of it goes unseen
            to = stop
            if block:
                self._drop_member(at, LONG_KEY if self._behind_colon(at) else NO_KEY)
            else:
                self._drop.begin_value(self._base + start)
            self._drop.opened()
        elif block and self._matches(raw):
            self._drop_member(at, LONG_KEY if self._behind_colon(at) else NO_KEY)
            self._drop.value(self._base + to, self._edits)
        elif not block and jsonheld.tells(raw, self._told()):
            self._tell([Edit(start, to, b"[]" if raw.startswith(b"[") else b"null")], 0)
        self._key = self._list_key = NO_KEY
        self._place.skip(self._norm[at:to])
        self._started = True
        return to

    def _behind_colon(self, at: int) -> bool:
        """Is what stands at `at` the value of a key?"""
        before = self._norm[max(0, at - MAX_SPACE) : at].rstrip(b" \t\r\n")
        return before.endswith(b":") if before else self._colon_last

    def _matches(self, raw: bytes) -> bool:
        """Would anything in this object be masked?"""
        edits: list[Edit] = []
        inner = Walker(self._told(), holds=False)
        norm = neutral(raw)
        return inner.walk(raw, norm, 0, len(raw), 0, edits, CLOSED) >= 0 or bool(edits)

    # -- keys ------------------------------------------------------------------------------------------------------

    def _on_key(self, quote: int, end: int, to: int, hit: bool) -> None:
        inside = self._raw[quote + 1 : end]
        key = self._known.get(inside)
        if key is None:
            key = self._read_key(inside)
            if len(self._known) < MAX_KNOWN:
                self._known[inside] = key
        self._key, self._key_at, self._list_key = key, self._base + quote, NO_KEY
        if hit and not self._drop.active:
            self._place.key("…")  # a key that is a secret itself is told by no finding
            if self._scan(quote + 1, end, b""):
                return
        self._place.key(key.text)

    def _read_key(self, inside: bytes) -> Key:
        if len(inside) > MAX_KEY:
            return LONG_KEY
        text = Unescaper().feed(inside, True)
        name = text.decode("utf-8", "replace")
        scanner = self._scope.scanner
        rule = scanner.key_rule(name, ()) if scanner.has_key_rules and not self._stepwise else None
        quoted = b'"' + text + b'"'
        return Key(quoted + b":" if self._probe.contextual(quoted) else b"", rule, name)

    def _value_rule(self, key: Key) -> KeyRule | None:
        """The rule for the value that comes now: the one around it, its key's, or its path's."""
        if self._drop.active:
            return None
        if self._declared is not None and key.text in schemas.SAMPLES:
            return self._declared
        if self._rule is not None or not self._stepwise:
            return self._rule or key.rule
        path = self._told().path
        return self._scope.scanner.key_rule(key.text, path) if path else None

    def _declares(self, rule: KeyRule) -> bool:
        """Does the object that opens say what a field of this rule is, and hold none?"""
        return bool(rule.keys) and schemas.declares(self._told().path)

    # -- values ----------------------------------------------------------------------------------------------------

    def _next_key(self) -> Key:
        """The key whose value comes now, or whose list's element."""
        key, self._key = self._key, NO_KEY
        return self._list_key if key is NO_KEY else key

    def _on_string(self, quote: int, end: int, hit: bool) -> None:
        own, key = self._key, self._next_key()
        rule = self._value_rule(key)
        if rule is not None and rule.operator.rank is Rank.DROP:
            self._begin_drop(rule, quote, own)
        elif rule is not None:
            core = Quoted(RuledCore(self._told(), rule))
            self._tell(core.push(self._raw[quote + 1 : end], CLOSED), quote + 1)
        elif (hit or key.context) and not self._drop.active:
            self._scan(quote + 1, end, key.context)
        self._drop.value(self._base + end + 1, self._edits)

    def _scan(self, start: int, end: int, context: bytes) -> bool:
        """Look into the inside of a string, raw[start:end]. True when something in it is masked."""
        scope, inside = self._scope, self._raw[start:end]
        if b"\\" not in inside and is_prose(inside, scope.depth):  # as the cores below would do it, without them
            where = ELSEWHERE if scope.sink.full else scope.told(self._place.path())
            context = context and context + b'"'
            told = short_text(scope.scanner, where, scope.sink, inside, context=context, by=start + self._base)
            for edit in told:
                text = escape(edit.text)
                self._edits.append(edit if text is edit.text else Edit(edit.start, edit.end, text))
            return bool(told)
        edits = Quoted(self._string_core(context)).push(inside, CLOSED)
        self._tell(edits, start)
        return bool(edits)

    def _string_core(self, context: bytes) -> Core:
        return StringCore(self._told(), context + b'"' if context else b"")

    def _tell(self, edits: list[Edit], by: int) -> None:
        by += self._base
        self._edits += [Edit(start + by, stop + by, text) for start, stop, text in edits]

    def _begin_drop(self, rule: KeyRule, at: int, key: Key) -> None:
        """The value at `at` goes. `key` is its own, NO_KEY for an element."""
        scope = self._told()
        # What goes is often not there whole, so no token of it is told.
        scope.scanner.replace(rule, b"", scope.where, scope.sink, whole=False)
        self._drop_member(at, key)

    def _drop_member(self, at: int, key: Key) -> None:
        if key is LONG_KEY or (key is not NO_KEY and self._base + at - self._key_at > MAX_MEMBER):
            self._drop.begin_value(self._base + at)
            return
        member = at if key is NO_KEY else self._key_at - self._base
        low = max(0, member - MAX_SPACE)
        before = low + len(self._norm[low:member].rstrip(b" \t\r\n")) - 1
        comma = before if before >= low and self._norm[before] == 0x2C else -1
        self._drop.begin(self._base + member, self._base + comma if comma >= 0 else -1)

    def _piece(self, at: int, to: int, hit: bool, end: End) -> None:
        """A number, a literal, white space."""
        piece = self._raw[at:to]
        if not piece.strip(SPACES):
            return
        at, over = to - len(piece.lstrip(SPACES)), to
        to -= len(piece) - len(piece.rstrip(SPACES))
        if over - at > MAX_PIECE:
            core = self.open_piece(at, self._raw[max(0, at - LEFT) : at], self._edits)
            self._tell(core.push(self._raw[at:over], end), at)
            self.close_piece(self._base + over, self._edits)
            return
        own, key = self._key, self._next_key()
        rule = self._value_rule(key)
        if rule is not None and rule.operator.rank is Rank.DROP:
            self._begin_drop(rule, at, own)
        elif rule is not None:
            scope = self._told()
            for found in NUMBERS.finditer(self._raw, at, to):
                text = scope.scanner.replace(rule, found[0], scope.where, scope.sink)
                self._tell([Edit(*found.span(), as_value(text))], 0)
        elif (hit or end is CUT or key.context) and not self._drop.active:
            self._scan_piece(at, to, key.context, end)
        self._drop.value(self._base + to, self._edits)

    def _scan_piece(self, at: int, to: int, context: bytes, end: End) -> None:
        """Look into numbers. What is masked is masked with the whole number around it, and stays a JSON value."""
        scope, piece = self._told(), self._raw[at:to]
        edits = TextStream(scope.scanner, scope.where, scope.sink, context=context).push(piece, end)
        while edits:
            start, stop, text = edits.pop(0)
            begin, until = whole_atoms(piece, start, stop)
            text = piece[begin:start] + text
            while edits and edits[0].start < until:
                text += piece[stop : edits[0].start] + edits[0].text
                stop = edits.pop(0).end
                until = max(until, whole_atoms(piece, start, stop)[1])
            self._tell([Edit(begin, until, as_value(text + piece[stop:until]))], at)

    # -- values that are not there whole ----------------------------------------------------------------------------

    def open_string(self, quote: int, edits: list[Edit]) -> Core:
        """A value's opening quote is at `quote` of this block, its end is not in sight: the core for its inside."""
        own, key = self._key, self._next_key()
        rule = self._value_rule(key)
        core: Core
        if rule is None:
            core = Swallower() if self._drop.active else self._string_core(key.context)
        elif rule.operator.rank is Rank.DROP:
            self._begin_drop(rule, quote, own)
            core = Swallower()
        else:
            core = RuledCore(self._told(), rule)
        self._drop.flush(self._base + quote + 1, edits)
        return Quoted(core)

    def close_string(self, quote: int, edits: list[Edit]) -> None:
        """The string's closing quote is at offset `quote` of the run."""
        self.after_string = True
        self._drop.swallowed(quote)
        self._drop.flush(quote + 1, edits)
        self._drop.value(quote + 1, edits)

    def open_piece(self, at: int, left: bytes, edits: list[Edit]) -> Core:
        """A row of numbers without end is at `at` of this block: it is read as text and stays unquoted."""
        own, key = self._key, self._next_key()
        rule = self._value_rule(key)
        if rule is not None and rule.operator.rank is Rank.DROP:
            self._begin_drop(rule, at, own)
        elif rule is not None:
            return RuledCore(self._told(), rule)
        self._drop.flush(self._base + at, edits)
        return self.rest(left)

    def close_piece(self, at: int, edits: list[Edit]) -> None:
        self._drop.swallowed(at)
        self._drop.value(at, edits)

    def colon(self) -> None:
        """The string read last was a key after all, a very long one."""
        self._key, self._list_key = LONG_KEY, NO_KEY

    def rest(self, left: bytes) -> Core:
        """The core for what is no JSON any more; `left` stands before it. Under a key rule all of it is masked."""
        scope = self._told()
        if self._drop.active:
            return Swallower()
        if self._rule is not None:
            return RuledCore(scope, self._rule)
        return TextStream(scope.scanner, scope.where, scope.sink, context=left)
