"""What a stream needs to know of a pattern: how long, how it may begin, and every beginning of a match.

The prefix closure pref(R) matches every prefix of every text that R matches. Searched with its end tied to the end of
what has arrived so far, the start of its leftmost match is exactly the first byte that could still become a secret:
what lies before may go, what lies after is held. A leading `\\b` is kept (the byte before is known); inner ones are
dropped, because the byte after is not known yet: that only makes the closure larger, so it stays safe.
"""

from masking.errors import PatternRefused
from masking.pattern import ALL, MAX_WIDTH, UNBOUNDED, Alt, Assert, Byte, Node, Repeat, Seq, atom, emit


def width(node: Node) -> tuple[int, int]:
    """The shortest and the longest match, in bytes. The tree must be bounded."""
    if isinstance(node, Byte):
        return 1, 1
    if isinstance(node, Assert):
        return 0, 0
    if isinstance(node, Seq):
        widths = [width(item) for item in node.items]
        return sum(low for low, _ in widths), sum(high for _, high in widths)
    if isinstance(node, Alt):
        widths = [width(arm) for arm in node.arms]
        return min(low for low, _ in widths), max(high for _, high in widths)
    low, high = width(node.body)
    return low * node.low, high * (UNBOUNDED if node.high is None else node.high)


def bound(node: Node) -> Node:
    """Read unbounded repeats as at most UNBOUNDED (or their own minimum, if that is more)."""
    if isinstance(node, Seq):
        return Seq(tuple(bound(item) for item in node.items))
    if isinstance(node, Alt):
        return Alt(tuple(bound(arm) for arm in node.arms))
    if isinstance(node, Repeat):
        high = max(node.low, UNBOUNDED) if node.high is None else node.high
        return Repeat(bound(node.body), node.low, high, node.lazy)
    return node


def split_tail(node: Node, shown: int) -> tuple[Node, int]:
    """Cut an unbounded last repeat down to its decisive part: (what to match, set of bytes to swallow after it).

    `x{20,}` at the end of a pattern becomes `x{20,shown}` and "then drop every x": the secret is known once its
    shortest form has been seen, and a stream need not hold the rest. A `\\b` after such a repeat is dropped with it.
    """
    items = list(node.items) if isinstance(node, Seq) else [node]
    while items and isinstance(items[-1], Assert):
        items.pop()
    last = items[-1] if items else None
    if not isinstance(last, Repeat) or last.high is not None or last.lazy or not isinstance(last.body, Byte):
        return node, 0
    items[-1] = Repeat(last.body, last.low, max(last.low, shown))
    return Seq(tuple(items)), last.body.mask


def checked(node: Node) -> Node:
    """Refuse what cannot be a rule: a pattern that matches nothing at all, or one too long to hold back."""
    shortest, longest = width(node)
    if shortest == 0:
        raise PatternRefused("it matches the empty text, so it would match everywhere")
    if longest > MAX_WIDTH:
        raise PatternRefused(f"it may span {longest} bytes; at most {MAX_WIDTH} can be held back")
    return node


# Repeats of more than this are not counted by closures.
COUNTED = 8


def loosened(node: Node) -> Node:
    """The tree with its long repeats uncounted, for closures only.

    A counter costs an automaton one state per value and per neighbouring counter; on base64 text that made a search
    6 ms instead of 20 µs. Matching more is safe in a closure, and how long a start can stay undecided is known anyway:
    no longer than the widest match.
    """
    if isinstance(node, Seq):
        return Seq(tuple(loosened(item) for item in node.items))
    if isinstance(node, Alt):
        return Alt(tuple(loosened(arm) for arm in node.arms))
    if isinstance(node, Repeat):
        if node.high is not None and node.high <= COUNTED:
            return Repeat(loosened(node.body), node.low, node.high, node.lazy)
        return Repeat(loosened(node.body), min(node.low, 1), None, node.lazy)
    return node


def first(node: Node) -> tuple[int, bool]:
    """The set of bytes that a match may begin with, and whether the node may match nothing."""
    if isinstance(node, Byte):
        return node.mask, False
    if isinstance(node, Assert):
        return 0, True
    if isinstance(node, Alt):
        pairs = [first(arm) for arm in node.arms]
        mask = 0
        for each, _ in pairs:
            mask |= each
        return mask, any(empty for _, empty in pairs)
    if isinstance(node, Repeat):
        mask, empty = first(node.body) if node.high != 0 else (0, True)
        return mask, empty or node.low == 0
    mask = 0
    for item in node.items:
        each, empty = first(item)
        mask |= each
        if not empty:
            return mask, False
    return mask, True


def last(node: Node) -> tuple[int, bool]:
    """The set of bytes that a match may end with, and whether the node may match nothing."""
    return first(mirrored(node))


def mirrored(node: Node) -> Node:
    """The tree read backwards; good for asking about ends, not for matching (assertions keep their side)."""
    if isinstance(node, Seq):
        return Seq(tuple(mirrored(item) for item in reversed(node.items)))
    if isinstance(node, Alt):
        return Alt(tuple(mirrored(arm) for arm in node.arms))
    if isinstance(node, Repeat):
        return Repeat(mirrored(node.body), node.low, node.high, node.lazy)
    return node


def lead(node: Node) -> str:
    """The assertion that every match begins with, or ""."""
    return node.items[0].kind if isinstance(node, Seq) and node.items and isinstance(node.items[0], Assert) else ""


def run_after(node: Node) -> tuple[Node, Repeat] | None:
    """A pattern that is a fixed beginning and a run of one class, as (beginning, run); None if it is built otherwise.

    Vendors' tokens are: a hundred prefixes, a dozen classes.
    """
    if not isinstance(node, Seq) or len(node.items) < 3 or lead(node) != r"\b":
        return None
    run = node.items[-1]
    if not isinstance(run, Repeat) or not isinstance(run.body, Byte):
        return None
    head = Seq(node.items[1:-1])
    return (head, run) if width(head)[0] >= 3 else None


def shared_prefixes(pairs: list[tuple[Node, Repeat]]) -> str:
    """One closure for many patterns of the form of `run_after`: any beginning, then a run of any of their classes.

    It holds a little more than each by itself would, and only behind a prefix that gives a secret away. In exchange a
    run of token characters is one thread of the automaton, not a hundred.
    """
    mask = 0
    for _, run in pairs:
        assert isinstance(run.body, Byte)
        mask |= run.body.mask
    heads = "|".join(emit(bare(head)) for head, _ in pairs)
    begun_heads = "|".join(_pref(head) for head, _ in pairs)
    return rf"\b(?:(?:{heads}){emit(Byte(mask))}*|{begun_heads})"


def after(node: Node, mask: int) -> list[Node]:
    """What may be left to match once a first byte out of `mask` has been read; empty if no match begins so.

    Assertions are taken to hold. Small steps of a derivative: enough to ask which patterns a text's first bytes allow.
    """
    if isinstance(node, Byte):
        return [Seq(())] if node.mask & mask else []
    if isinstance(node, Assert):
        return []
    if isinstance(node, Alt):
        return [rest for arm in node.arms for rest in after(arm, mask)]
    if isinstance(node, Repeat):
        if node.high == 0:
            return []
        fewer = Repeat(node.body, max(0, node.low - 1), None if node.high is None else node.high - 1)
        return [Seq((rest, fewer)) for rest in after(node.body, mask)]
    found: list[Node] = []
    for at, item in enumerate(node.items):
        found += [Seq((rest, *node.items[at + 1 :])) for rest in after(item, mask)]
        if not first(item)[1]:
            break
    return found


def prefixes(node: Node) -> str:
    """RE2 text for every prefix of a match, the empty one and the whole one included; a leading assertion is kept."""
    if isinstance(node, Alt):
        return "(?:" + "|".join(prefixes(arm) for arm in node.arms) + ")"
    asserts, rest = _leading(node)
    return asserts + _pref(rest)


def begun(node: Node) -> str:
    """Like `prefixes`, without the empty one: the match has begun. (A nullable start may let the empty one in.)"""
    if isinstance(node, Alt):
        return "(?:" + "|".join(begun(arm) for arm in node.arms) + ")"
    asserts, rest = _leading(node)
    return asserts + _begun(rest)


def _leading(node: Node) -> tuple[str, Node]:
    asserts = ""
    while isinstance(node, Seq) and node.items and isinstance(node.items[0], Assert):
        asserts += node.items[0].kind
        node = Seq(node.items[1:])
    return asserts, node


def bare(node: Node) -> Node:
    """The tree without its assertions."""
    if isinstance(node, Assert):
        return Seq(())
    if isinstance(node, Seq):
        return Seq(tuple(bare(item) for item in node.items if not isinstance(item, Assert)))
    if isinstance(node, Alt):
        return Alt(tuple(bare(arm) for arm in node.arms))
    if isinstance(node, Repeat):
        return Repeat(bare(node.body), node.low, node.high, node.lazy)
    return node


def _pref(node: Node) -> str:
    if isinstance(node, Byte):
        return f"(?:{emit(node)})?"
    if isinstance(node, Assert):
        return ""
    if isinstance(node, Alt):
        return "(?:" + "|".join(_pref(arm) for arm in node.arms) + ")"
    if isinstance(node, Repeat):
        if node.high == 0:
            return ""
        if isinstance(node.body, Byte):
            return f"{emit(node.body)}*" if node.high is None else f"{emit(node.body)}{{0,{node.high}}}"
        return _earlier(node) + _pref(node.body)
    text = ""
    for item in reversed(node.items):
        if isinstance(item, Byte):
            text = f"(?:{emit(item)}{text})?"
        elif not isinstance(item, Assert):
            text = f"(?:{atom(bare(item))}{text}|{_pref(item)})"
    return text


def _earlier(node: Repeat) -> str:
    """The whole turns of a repeat before the one that is cut."""
    if node.high is None:
        return f"{atom(bare(node.body))}*"
    return f"{atom(bare(node.body))}{{0,{node.high - 1}}}" if node.high > 1 else ""


def _begun(node: Node) -> str:
    if isinstance(node, Byte):
        return emit(node)
    if isinstance(node, Alt):
        return "(?:" + "|".join(_begun(arm) for arm in node.arms) + ")"
    if isinstance(node, Repeat):
        if isinstance(node.body, Byte) and node.high != 0:
            return f"{emit(node.body)}+" if node.high is None else f"{emit(node.body)}{{1,{node.high}}}"
        return _earlier(node) + _begun(node.body)
    items = [item for item in node.items if not isinstance(item, Assert)] if isinstance(node, Seq) else []
    if not items:
        return ""
    head, rest = items[0], Seq(tuple(items[1:]))
    if isinstance(head, Byte):
        return emit(head) + _pref(rest)
    empty = first(head)[1]
    return f"(?:{atom(bare(head))}{_begun(rest) if empty else _pref(rest)}|{_begun(head)})"


def swallowed(mask: int) -> str:
    """RE2 text for the first byte that ends a run of `mask`. An empty set of bytes ends at once."""
    return emit(Byte(ALL & ~mask)) if mask != ALL else "[^\\x00-\\xff]"
