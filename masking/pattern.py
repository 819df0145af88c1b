"""Patterns as a small tree over bytes, read with the standard library's own parser.

A rule's pattern is written as for `re`, without look-around and back references. It is parsed once, here; RE2
programs, prefix closures, widths and first bytes are all made from the same tree, so they cannot disagree. Characters
outside ASCII become their UTF-8 bytes; classes and `.` count bytes.
"""

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from masking.errors import PatternRefused

ALL = (1 << 256) - 1
# An unbounded inner repeat is read as at most this many: hold-back must end, and RE2 refuses products above 1000.
UNBOUNDED = 256
# The longest text that a pattern may span, hence the most bytes a stream ever holds back.
MAX_WIDTH = 2048


@dataclass(frozen=True, slots=True)
class Byte:
    """One byte out of a set; bit n of `mask` stands for byte n."""

    mask: int


@dataclass(frozen=True, slots=True)
class Assert:
    """A zero-width `\\b` or `\\B`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Seq:
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Alt:
    arms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`high` None means unbounded; only the last item of a pattern may be (see `split_tail`)."""

    body: "Node"
    low: int
    high: int | None
    lazy: bool = False


Node = Byte | Assert | Seq | Alt | Repeat


def mask_of(members: Iterable[int]) -> int:
    mask = 0
    for member in members:
        mask |= 1 << member
    return mask


def members(mask: int) -> list[int]:
    return [n for n in range(256) if mask >> n & 1]


DIGITS = mask_of(b"0123456789")
SPACES = mask_of(b" \t\n\r\f\v")
WORD = mask_of(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_CATEGORIES = {
    op.CATEGORY_DIGIT: DIGITS,
    op.CATEGORY_NOT_DIGIT: ALL & ~DIGITS,
    op.CATEGORY_SPACE: SPACES,
    op.CATEGORY_NOT_SPACE: ALL & ~SPACES,
    op.CATEGORY_WORD: WORD,
    op.CATEGORY_NOT_WORD: ALL & ~WORD,
}
_ASSERTS = {op.AT_BOUNDARY: r"\b", op.AT_NON_BOUNDARY: r"\B"}
_REFUSED = {
    op.ASSERT: "look-around cannot run in linear time",
    op.ASSERT_NOT: "look-around cannot run in linear time",
    op.GROUPREF: "back references cannot run in linear time",
    op.GROUPREF_EXISTS: "conditional groups cannot run in linear time",
    op.ATOMIC_GROUP: "atomic groups are not supported",
    op.POSSESSIVE_REPEAT: "possessive repeats are not supported",
    op.AT: "anchors (^ $ \\A \\Z) have no meaning in a stream; use key or path to select a whole value",
}

_NESTED = (
    r"in a class, put a backslash before a bracket (`\[`) and between doubled signs (`-\-`, `&\&`, `|\|`, `~\~`); "
    "classes within classes (`[[:digit:]]`) are not supported"
)


def fold(mask: int) -> int:
    """Close a set over upper and lower case of ASCII letters."""
    lower, upper = mask >> 97 & 0x3FFFFFF, mask >> 65 & 0x3FFFFFF
    return mask | upper << 97 | lower << 65


def parse(pattern: str, *, ignore_case: bool = False) -> Node:
    """Read a pattern. Raises PatternRefused with a reason for the pattern's author."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # `[[:digit:]]` would be read as another class than in RE2
            tree = _parser.parse(pattern, re.ASCII | (re.IGNORECASE if ignore_case else 0))
    except (re.error, OverflowError) as exc:
        raise PatternRefused(f"not a valid pattern: {exc}") from exc
    except FutureWarning as exc:
        raise PatternRefused(f"{str(exc).lower()}: {_NESTED}") from exc
    except RecursionError as exc:
        raise PatternRefused("nested too deeply") from exc
    return _sequence(tree, tree.state.flags)


def _sequence(tokens: Iterable[Any], flags: int) -> Node:
    items: list[Node] = []
    for code, value in tokens:
        node = _node(code, value, flags)
        items.extend(node.items if isinstance(node, Seq) else (node,))
    return items[0] if len(items) == 1 else Seq(tuple(items))


def _node(code: Any, value: Any, flags: int) -> Node:
    if code is op.AT and value in _ASSERTS:
        return Assert(_ASSERTS[value])
    if code is op.LITERAL and value > 127:
        return _utf8(value)
    handler = _HANDLERS.get(code)
    if handler is None:
        raise PatternRefused(_REFUSED.get(code, f"{code} is not supported"))
    return handler(value, flags)


def _byte(mask: int, flags: int, negate: bool = False) -> Byte:
    mask = fold(mask) if flags & re.IGNORECASE else mask
    mask = ALL & ~mask if negate else mask
    if not mask:
        raise PatternRefused("a class that matches no byte")
    return Byte(mask)


def _literal(value: int, flags: int) -> Node:
    return _byte(1 << value, flags)


def _not_literal(value: int, flags: int) -> Node:
    if value > 127:
        raise PatternRefused("classes hold ASCII characters only")
    return _byte(1 << value, flags, negate=True)


def _any(_: Any, flags: int) -> Node:
    return Byte(ALL if flags & re.DOTALL else ALL & ~(1 << 10))


def _class(value: Any, flags: int) -> Node:
    mask, negate = 0, False
    wide: list[Node] = []
    for code, argument in value:
        if code is op.NEGATE:
            negate = True
        elif code is op.CATEGORY:
            mask |= _CATEGORIES[argument]
        elif code is op.LITERAL and argument > 127:
            wide.append(_utf8(argument))
        else:
            low, high = argument if code is op.RANGE else (argument, argument)
            if high > 127:
                raise PatternRefused("ranges in classes are of ASCII characters only")
            mask |= (1 << high + 1) - (1 << low)
    if negate and wide:
        raise PatternRefused("negated classes hold ASCII characters only")
    narrow = [_byte(mask, flags, negate)] if mask or not wide else []
    return _either([*narrow, *wide])


def _utf8(char: int) -> Node:
    return Seq(tuple(Byte(1 << byte) for byte in chr(char).encode()))


def _either(arms: list[Node]) -> Node:
    """An alternative; arms that are single bytes become one class, which RE2 and the closure both like better."""
    if all(isinstance(arm, Byte) for arm in arms):
        mask = 0
        for arm in arms:
            mask |= arm.mask if isinstance(arm, Byte) else 0
        return Byte(mask)
    return arms[0] if len(arms) == 1 else Alt(tuple(arms))


def _branch(value: Any, flags: int) -> Node:
    return _either([_sequence(arm, flags) for arm in value[1]])


def _group(value: Any, flags: int) -> Node:
    _, added, removed, body = value
    inner = _sequence(body, flags & ~removed | added)
    return inner if isinstance(inner, Byte | Alt | Repeat) else Seq((inner,))


def _repeat(value: Any, flags: int, lazy: bool = False) -> Node:
    low, high, body = value
    return Repeat(_sequence(body, flags), low, None if high is op.MAXREPEAT else high, lazy)


_HANDLERS: dict[Any, Callable[[Any, int], Node]] = {
    op.LITERAL: _literal,
    op.NOT_LITERAL: _not_literal,
    op.ANY: _any,
    op.IN: _class,
    op.BRANCH: _branch,
    op.SUBPATTERN: _group,
    op.MAX_REPEAT: _repeat,
    op.MIN_REPEAT: lambda value, flags: _repeat(value, flags, lazy=True),
}


def emit(node: Node) -> str:
    """The tree as RE2 text. What comes out may be followed by a repeat operator only if `node` is no Seq."""
    if isinstance(node, Byte):
        return _emit_byte(node.mask)
    if isinstance(node, Assert):
        return node.kind
    if isinstance(node, Seq):
        return "".join(emit(item) for item in node.items)
    if isinstance(node, Alt):
        return "(?:" + "|".join(emit(arm) for arm in node.arms) + ")"
    high = "" if node.high is None else str(node.high)
    return f"{atom(node.body)}{{{node.low},{high}}}" + ("?" if node.lazy else "")


def atom(node: Node) -> str:
    """The tree as RE2 text that a repeat operator may follow."""
    return emit(node) if isinstance(node, Byte | Alt) else f"(?:{emit(node)})"


def _emit_byte(mask: int) -> str:
    found = members(mask)
    if len(found) == 1:
        char = chr(found[0])
        return char if char.isascii() and char.isalnum() else f"\\x{found[0]:02x}"
    ranges: list[list[int]] = []
    for member in found:
        if ranges and ranges[-1][1] == member - 1:
            ranges[-1][1] = member
        else:
            ranges.append([member, member])
    return "[" + "".join(f"\\x{low:02x}-\\x{high:02x}" for low, high in ranges) + "]"
