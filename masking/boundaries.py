"""Whether a pattern can match at all: a `\\b` or `\\B` may contradict what stands beside it, as in `a\\bb`.

Read byte by byte, all that matters is of which kind the last byte was, and of which kinds the next one may be. Outside
of a text is no word.
"""

from masking.pattern import ALL, WORD, Alt, Assert, Byte, Node, Repeat

_WORD, _OTHER = 1, 2
_EITHER = _WORD | _OTHER
State = tuple[int, int]
"""The kind of the byte before, and the kinds that the next byte may be of."""


def possible(node: Node, before: int = ALL) -> bool:
    """Is there any text that it matches? `before`: the bytes that may stand before it."""
    return bool(_after(node, {(kind, _EITHER) for kind in _kinds(before)}))


def _kinds(mask: int) -> list[int]:
    return [kind for kind, members in ((_WORD, WORD), (_OTHER, ALL & ~WORD)) if mask & members]


def _after(node: Node, states: set[State]) -> set[State]:
    if isinstance(node, Byte):
        return {(kind, _EITHER) for kind in _kinds(node.mask) for _, allowed in states if allowed & kind}
    if isinstance(node, Assert):
        met = {(kind, allowed & (_EITHER & ~kind if node.kind == r"\b" else kind)) for kind, allowed in states}
        return {(kind, allowed) for kind, allowed in met if allowed}
    if isinstance(node, Alt):
        return set().union(*(_after(arm, states) for arm in node.arms))
    if isinstance(node, Repeat):
        return _repeated(node, states)
    for item in node.items:
        states = _after(item, states)
    return states


def _repeated(node: Repeat, states: set[State]) -> set[State]:
    for _ in range(node.low):
        before, states = states, _after(node.body, states)
        if states == before:
            break
    found = set(states)
    for _ in range(node.low, node.low + 8 if node.high is None else node.high):
        states = _after(node.body, states)
        if states <= found:  # there are eight states at most
            break
        found |= states
    return found
