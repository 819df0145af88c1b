"""The decoded text of one string value: prose, JSON of its own, or base64; told apart by its first bytes.

The same core reads a value in a JSON body and the deltas of a stream that add up to that value: that is why what an
SDK accumulates equals the masked whole.
"""

import re

from masking import base64text
from masking.edits import MORE, Core, Edit, End, Union
from masking.scope import Scope
from masking.select import KeyRule
from masking.text import TextStream

# JSON in a string of JSON in a string …: beyond this it is read as text.
MAX_DEPTH = 6
# The value under a key rule is kept whole for its operator up to here; of a longer one the rest is dropped unseen.
MAX_RULED = 64 << 10
# How much white space may stand before JSON inside a string, so that the decision comes early.
_SPACES = rb"[ \t\r\n]{0,64}"
_JSON = re.compile(rb"%s(?:\{%s[\"}]|\[%s(?:[\"\[]|\{%s[\"}]))" % ((_SPACES,) * 4))
_JSON_SO_FAR = re.compile(rb"%s(?:\{%s|\[%s(?:\{%s)?)?\Z" % ((_SPACES,) * 4))
_MAY_BE_JSON = frozenset(b"{[ \t\r\n")


def is_prose(text: bytes, depth: int) -> bool:
    """Is a whole value nothing but text: what StringCore would hand to a TextStream alone?"""
    if depth >= MAX_DEPTH or not text:
        return True
    if text[0] in _MAY_BE_JSON and _JSON.match(text):
        return False
    return not base64text.begins(text, whole=True)


class StringCore:
    """Decides by the first bytes which core reads the value, then hands everything to it."""

    __slots__ = ("_context", "_head", "_inner", "_scope")

    def __init__(self, scope: Scope, context: bytes) -> None:
        self._scope, self._context = scope, context
        self._head = b""
        self._inner: Core | None = None

    @property
    def decided(self) -> int:
        return 0 if self._inner is None else self._inner.decided

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        if self._inner is None:
            data = self._head + data
            self._inner = self._choose(data, end)
            if self._inner is None:
                self._head = data
                return []
            self._head = b""
        return self._inner.push(data, end)

    def _choose(self, head: bytes, end: End) -> Core | None:
        """The core for a value that begins like this; None while that cannot be told."""
        scope = self._scope
        if head and head[0] in _MAY_BE_JSON and scope.depth < MAX_DEPTH:
            if _JSON.match(head):
                from masking.jsonstream import JsonStream  # the two need each other: JSON in strings in JSON

                return JsonStream(scope.deeper())
            if end is MORE and _JSON_SO_FAR.match(head):
                return None
        if not head and end is MORE:
            return None
        text = TextStream(scope.scanner, scope.where, scope.sink, context=self._context)
        if scope.depth < MAX_DEPTH:
            encoded = base64text.begins(head, whole=end is not MORE)
            if encoded is None:
                return None
            if encoded:
                return Union(base64text.Base64Core(StringCore(scope.deeper(), b"")), text)
        return text


class RuledCore:
    """A value that a key or path rule masks whole: it is kept until its end, then the operator decides."""

    __slots__ = ("_kept", "_over", "_rule", "_scope", "_seen", "decided")

    def __init__(self, scope: Scope, rule: KeyRule) -> None:
        self._scope, self._rule = scope, rule
        self._kept = b""
        self._over = False
        self._seen = self.decided = 0

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        self._seen += len(data)
        if not self._over:
            self._kept += data
            if end is MORE and len(self._kept) <= MAX_RULED:
                return []
        text = b"" if self._over else self._apply()
        start, self.decided = self.decided, self._seen
        return [Edit(start, self._seen, text)] if self._seen > start else []

    def _apply(self) -> bytes:
        scope, kept = self._scope, self._kept
        self._kept, self._over = b"", True
        if not kept:
            return b""
        if len(kept) > MAX_RULED:
            kept = kept[:MAX_RULED]
            return scope.scanner.replace(self._rule, kept, scope.where, scope.sink, whole=False)
        return scope.scanner.apply(self._rule, kept, scope.where, scope.sink).data
