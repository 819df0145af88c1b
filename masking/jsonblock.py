"""Whole tokens of JSON, one after the other: which of them are masked, and by what.

The walker keeps what later tokens depend on: the key whose value comes next, the containers around it (for paths and
for what lies under a key rule), and what a dropped field takes along. Tokens are only looked into where the probe sees
a candidate, an escape or base64, or where their key asks for it.
"""

import re
from dataclasses import dataclass, replace

from masking.dropping import Dropping, Swallower
from masking.edits import CLOSED, CUT, MORE, Core, Edit, End
from masking.jsontext import Quoted, Unescaper, escape
from masking.operators import Rank
from masking.probe import Probe, probe
from masking.scope import Scope
from masking.select import KeyRule
from masking.strings import MAX_RULED, RuledCore, StringCore
from masking.text import TextStream

# A longer key is not looked up in rules and is no context; its own text is still scanned.
MAX_KEY = 1024
# Keys of one document that are remembered with what they mean; records repeat theirs.
MAX_KNOWN = 2048
# A longer number (or row of them) is read as text. Matches PATIENCE in jsonstream.
MAX_PIECE = 4096
# Containers deeper than this are counted, not remembered: paths end there.
MAX_NESTING = 512
COLON = re.compile(rb"[ \t\r\n]{0,64}:")
_SPACES = b" \t\r\n\x1e"
_WS = rb"[ \t\r\n\x1e]"
_TOKEN = re.compile(rb'"([^"]*)("?)([ \t\r\n]{0,64}:)?|([{}\[\],])|([^{}\[\],"]+)')
_IS_KEY, _IS_PUNCTUATION, _IS_PIECE = 3, 4, 5
_ATOM = rb"(?:-?[0-9][0-9.eE+-]*|true|false|null|NaN|-?Infinity|\xef\xbb\xbf)"
_LEXICAL = re.compile(rb"%s*(?:%s(?:%s+%s)*)?%s*\Z" % (_WS, _ATOM, _WS, _ATOM, _WS))
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z")
_NUMBERS = re.compile(rb"-?[0-9][0-9.eE+-]*")


def neutral(raw: bytes) -> bytes:
    """The same length, with every escaped quote and backslash blotted out: every quote left begins or ends a string."""
    if b"\\" not in raw:
        return raw
    return raw.replace(b"\\\\", b"\x01\x01").replace(b'\\"', b"\x01\x01")


@dataclass(frozen=True, slots=True)
class Key:
    """A key as its value needs it: `quoted` as it stands before a value, `contextual` if that may be a context."""

    text: str
    quoted: bytes
    contextual: bool
    rule: KeyRule | None


@dataclass(slots=True)
class Frame:
    """An open container; `step` is the key or the index at which it is being read."""

    array: bool
    step: str | int


class Walker:
    """Reads whole tokens; answers with edits in offsets of the run."""

    __slots__ = (
        "_base", "_deeper", "_drop", "_edits", "_frames", "_key", "_known", "_list_key", "_probe", "_raw", "_rule",
        "_rule_depth", "_scope", "after_string",
    )  # fmt: skip

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._probe: Probe = probe(scope.scanner)
        self._frames: list[Frame] = []
        self._deeper = 0  # containers beyond MAX_NESTING
        self._key: Key | None = None  # the value of this key comes next
        self._list_key: Key | None = None  # … or an element of the plain list that is its value
        self._rule: KeyRule | None = None  # everything below is masked by this rule …
        self._rule_depth = 0  # … until there are fewer containers than this
        self._known: dict[bytes, Key] = {}
        self._drop = Dropping()
        self._raw = b""
        self._base = 0
        self._edits: list[Edit] = []
        self.after_string = False
        """The last thing read was a string that was not read as a token: a colon may still make it a key."""

    def walk(
        self, raw: bytes, norm: bytes, stop: int, base: int, edits: list[Edit], end: End = MORE, start: int = 0
    ) -> int:
        """Work off the tokens of raw[start:stop]. Returns where JSON ends and text begins; -1 while it goes on."""
        self._raw, self._base, self._edits = raw, base, edits
        self._drop.settle(base)
        begin, until = self._probe.find(norm, start)
        for found in _TOKEN.finditer(norm, start, stop):
            kind, (at, to) = found.lastindex, found.span()
            while until <= at and begin < stop:
                begin, until = self._probe.find(norm, at)
            hit = begin < to
            if kind == _IS_PUNCTUATION:
                self._punctuation(norm[at], base + at)
            elif kind == _IS_PIECE:
                ending = CUT if end is not MORE and to == stop and self._depth else CLOSED
                if not self._piece(at, to, hit, ending):
                    junk = to - len(norm[at:to].lstrip(_SPACES))
                    self._drop.flush(base + junk, edits)
                    return junk
            elif kind == _IS_KEY:
                self._on_key(at, found.end(1), hit)
            else:
                self._on_value(at, found.end(1), hit)
        self._drop.flush(base + stop, edits)
        return -1

    # -- containers ------------------------------------------------------------------------------------------------

    @property
    def _depth(self) -> int:
        return len(self._frames) + self._deeper

    def _path(self) -> Scope:
        return self._scope.at(tuple(frame.step for frame in self._frames))

    def _punctuation(self, char: int, at: int) -> None:
        if char == 0x2C:  # ,
            self._key = None
            if self._frames and self._frames[-1].array:
                step = self._frames[-1].step
                self._frames[-1].step = step + 1 if isinstance(step, int) else 0
            self._drop.comma(at, self._edits)
        elif char == 0x7B or char == 0x5B:  # { [
            self._open(char == 0x5B, at)
        else:
            self._close(at)

    def _open(self, array: bool, at: int) -> None:
        key, self._key = self._key, None
        rule = self._value_rule(key)
        if rule is not None and rule is not self._rule:
            if rule.operator.rank is Rank.DROP:
                self._begin_drop(rule, at)
            else:
                self._rule, self._rule_depth = rule, self._depth + 1
        self._list_key = key if array else None
        self._drop.container()
        if len(self._frames) < MAX_NESTING:
            self._frames.append(Frame(array, 0 if array else ""))
        else:
            self._deeper += 1

    def _close(self, at: int) -> None:
        self._key = self._list_key = None
        if self._deeper:
            self._deeper -= 1
        elif self._frames:
            self._frames.pop()
        if self._rule is not None and self._depth < self._rule_depth:
            self._rule = None
        self._drop.closed(at + 1, self._depth, self._edits)

    # -- keys ------------------------------------------------------------------------------------------------------

    def _on_key(self, quote: int, end: int, hit: bool) -> None:
        inside = self._raw[quote + 1 : end]
        key = self._known.get(inside)
        if key is None:
            key = self._read_key(inside)
            if len(self._known) < MAX_KNOWN:
                self._known[inside] = key
        self._key, self._list_key = key, None
        self._drop.member(self._base + quote)
        if hit and not self._drop.active and self._scan(quote + 1, end, None):
            key = replace(key, text="…")  # a key that is a secret itself is told by no finding
        if self._frames and not self._frames[-1].array:
            self._frames[-1].step = key.text

    def _read_key(self, inside: bytes) -> Key:
        if len(inside) > MAX_KEY:
            return Key("", b"", False, None)
        text = Unescaper().feed(inside, True)
        name = text.decode("utf-8", "replace")
        scanner = self._scope.scanner
        named = scanner.has_key_rules and not scanner.has_path_rules
        quoted = b'"' + text + b'"'
        return Key(name, quoted, self._probe.contextual(quoted), scanner.key_rule(name, ()) if named else None)

    def _value_rule(self, key: Key | None) -> KeyRule | None:
        """The rule for the value that comes now: the one around it, its key's, or its path's."""
        if self._drop.active:
            return None
        if self._rule is not None:
            return self._rule
        if self._scope.scanner.has_path_rules:
            path = self._path().path
            return self._scope.scanner.key_rule(key.text if key else "", path) if path else None
        return key.rule if key else None

    # -- values ----------------------------------------------------------------------------------------------------

    def _on_value(self, quote: int, end: int, hit: bool) -> None:
        key, self._key = self._key, None
        key = key or self._list_key
        rule = self._value_rule(key)
        self._drop.member(self._base + quote)
        if rule is not None:
            self._mask_string(quote, end, rule)
        elif (hit or (key is not None and key.contextual)) and not self._drop.active:
            self._scan(quote + 1, end, key)
        self._drop.value(self._base + end + 1, self._depth, self._edits)

    def _mask_string(self, quote: int, end: int, rule: KeyRule) -> None:
        if rule.operator.rank is Rank.DROP:
            self._begin_drop(rule, self._base + quote)
            return
        core = Quoted(RuledCore(self._path(), rule))
        self._tell(core.push(self._raw[quote + 1 : end], CLOSED), quote + 1)

    def _begin_drop(self, rule: KeyRule, at: int) -> None:
        # What goes is often not there whole, so no token of it is told.
        scope = self._path()
        scope.scanner.replace(rule, b"", scope.where, scope.sink, whole=False)
        self._drop.begin(at, self._depth)

    def _scan(self, start: int, end: int, key: Key | None) -> bool:
        """Look into the inside of a string, raw[start:end]. True when something in it is masked."""
        edits = Quoted(self._string_core(key)).push(self._raw[start:end], CLOSED)
        self._tell(edits, start)
        return bool(edits)

    def _string_core(self, key: Key | None) -> Core:
        return StringCore(self._path(), key.quoted + b':"' if key is not None else b"")

    def _tell(self, edits: list[Edit], by: int) -> None:
        by += self._base
        self._edits += [Edit(start + by, stop + by, text) for start, stop, text in edits]

    def _piece(self, at: int, to: int, hit: bool, end: End) -> bool:
        """A number, a literal, white space; False when it is something else: then JSON has ended."""
        piece = self._raw[at:to]
        if piece.isspace():
            return True
        if len(piece.strip(_SPACES)) > MAX_PIECE or _LEXICAL.match(piece) is None:
            return False
        key, self._key = self._key, None
        key = key or self._list_key
        rule = self._value_rule(key)
        at, to = to - len(piece.lstrip(_SPACES)), at + len(piece.rstrip(_SPACES))
        self._drop.member(self._base + at)
        if rule is not None:
            self._mask_numbers(at, to, rule)
        elif (hit or end is CUT or (key is not None and key.contextual)) and not self._drop.active:
            self._scan_piece(at, to, key, end)
        self._drop.value(self._base + to, self._depth, self._edits)
        return True

    def _mask_numbers(self, at: int, to: int, rule: KeyRule) -> None:
        if rule.operator.rank is Rank.DROP:
            self._begin_drop(rule, self._base + at)
            return
        scope = self._path()
        for found in _NUMBERS.finditer(self._raw, at, to):
            text = scope.scanner.replace(rule, found[0], scope.where, scope.sink)
            self._tell([Edit(*found.span(), _as_value(text))], 0)

    def _scan_piece(self, at: int, to: int, key: Key | None, end: End) -> None:
        """Look into numbers. What is masked is masked with the whole number around it, and stays a JSON value."""
        scope, piece = self._path(), self._raw[at:to]
        core = TextStream(scope.scanner, scope.where, scope.sink, context=key.quoted + b":" if key else b"")
        edits = core.push(piece, end)
        while edits:
            start, stop, text = edits.pop(0)
            begin, until = _whole(piece, start, stop)
            text = piece[begin:start] + text
            while edits and edits[0].start < until:
                text += piece[stop : edits[0].start] + edits[0].text
                stop = edits.pop(0).end
                until = max(until, _whole(piece, start, stop)[1])
            self._tell([Edit(begin, until, _as_value(text + piece[stop:until]))], at)

    # -- strings that are not there whole ---------------------------------------------------------------------------

    def open_string(self, quote: int, edits: list[Edit]) -> Core:
        """A value's opening quote is at offset `quote` of the run, its end is not in sight: the core for its inside."""
        core = self._opened(quote)
        self._drop.flush(quote + 1, edits)
        return core

    def _opened(self, quote: int) -> Core:
        key, self._key = self._key, None
        key = key or self._list_key
        rule = self._value_rule(key)
        self._drop.member(quote)
        if rule is None:
            return Quoted(Swallower() if self._drop.active else self._string_core(key))
        if rule.operator.rank is Rank.DROP:
            self._begin_drop(rule, quote)
            return Quoted(Swallower())
        return Quoted(RuledCore(self._path(), rule))

    def close_string(self, quote: int, edits: list[Edit]) -> None:
        """The string's closing quote is at offset `quote`."""
        self.after_string = True
        self._drop.swallowed(quote)
        self._drop.flush(quote + 1, edits)
        self._drop.value(quote + 1, self._depth, edits)

    def colon(self) -> None:
        """The string read last was a key after all, a very long one."""
        self._key, self._list_key = Key("", b"", False, None), None

    def rest(self, left: bytes) -> Core:
        """The core for what is no JSON any more; `left` stands before it. Under a key rule all of it is masked."""
        scope = self._path()
        if self._drop.active:
            return Swallower()
        if self._rule is not None:
            return RuledCore(scope, self._rule)
        return TextStream(scope.scanner, scope.where, scope.sink, context=left)


def _whole(piece: bytes, start: int, stop: int) -> tuple[int, int]:
    """The atoms that piece[start:stop] touches, whole."""
    left = max(piece.rfind(space, 0, start) for space in (b" ", b"\t", b"\r", b"\n", b"\x1e")) + 1
    rights = [at for space in (b" ", b"\t", b"\r", b"\n", b"\x1e") if (at := piece.find(space, stop)) >= 0]
    return left, min(rights, default=len(piece))


def _as_value(text: bytes) -> bytes:
    return text if _NUMBER.match(text) else b'"' + escape(text) + b'"'


__all__ = ["COLON", "MAX_KEY", "MAX_PIECE", "MAX_RULED", "Key", "Walker", "neutral"]
