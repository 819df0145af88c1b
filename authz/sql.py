"""`sql.query`: SQL in the fields that a connection declares, described just enough to decide on. Pure.

A lexer that knows what all dialects agree on (strings, quoted names, comments); whatever they disagree on makes the
statement `unparsable`, which policies deny. verb: select, insert, update, delete, merge, create, alter, drop, truncate,
grant, revoke, call, explain, unparsable; tables: the names after FROM, JOIN, INTO, UPDATE, TABLE, USING, lower case
unless quoted; where: whether the statement itself (not a query inside it) has a WHERE.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

MAX_SQL = 100_000  # characters
MAX_STATEMENTS = 100
VERBS = frozenset(
    {
        "select", "insert", "update", "delete", "merge", "create", "alter", "drop", "truncate",
        "grant", "revoke", "call", "explain",
    }
)  # fmt: skip
WRITES = frozenset({"insert", "update", "delete", "merge"})
BEFORE_TABLES = frozenset({"from", "join", "into", "update", "table", "using"})
NOT_TABLES = frozenset({"select", "values", "set", "if", "exists", "only", "lateral", "where", "on"})
UNPARSABLE = {"verb": "unparsable", "tables": [], "where": False}
STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\*|[0-9]+)\]")
TOKEN = re.compile(
    # a comment that is one everywhere: MySQL wants a space after --, and only a line feed ends it there
    r"""(?P<space>[ \t\r\n]+|--(?:[ \t][^\r\n\v\f\x85\u2028\u2029]*)?(?=\r?\n|\Z)|/\*(?![!+])(?:(?!/\*).)*?\*/)
      | (?P<string>'(?:[^'\\]|'')*')
      | (?P<name>"(?:[^"\\]|"")*"|`[^`\\]*`)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<number>[0-9][0-9A-Za-z_.]*)
      | (?P<mark>\$[0-9]+|::|-(?!-)|/(?!\*)|[().,;=<>+*%|&^~?:@!])""",
    re.VERBOSE | re.DOTALL,
)
Token = tuple[str, str]  # (group of TOKEN, text)


def texts(document: Any, fields: Sequence[str]) -> Iterator[object]:
    """What stands at the declared fields; anything may, text or not."""
    for field in fields:
        yield from _at(document, STEP.findall(field))


def statements(text: object) -> list[dict[str, Any]]:
    """One description per statement."""
    if not isinstance(text, str) or len(text) > MAX_SQL:
        return [UNPARSABLE]
    tokens = _tokens(text)
    if tokens is None:
        return [UNPARSABLE]
    groups = [group for group in _split(tokens) if group]
    if not groups or len(groups) > MAX_STATEMENTS:
        return [UNPARSABLE]
    return [_statement(group) for group in groups]


def _at(value: Any, steps: Sequence[tuple[str, str]]) -> Iterator[object]:
    if not steps:
        yield value
        return
    (name, index), rest = steps[0], steps[1:]
    if name and isinstance(value, dict) and name in value:
        yield from _at(value[name], rest)
    elif index and isinstance(value, list):
        chosen = value if index == "*" else value[int(index) : int(index) + 1]
        for item in chosen:
            yield from _at(item, rest)


def _tokens(text: str) -> list[Token] | None:
    """None where dialects would read it differently: backslashes, dollar quotes, `#`, `[`, nested comments."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            return None
        if match.lastgroup != "space":
            found.append((match.lastgroup, match[0]))
        at = match.end()
    return found


def _split(tokens: list[Token]) -> list[list[Token]]:
    groups: list[list[Token]] = [[]]
    for token in tokens:
        if token == ("mark", ";"):
            groups.append([])
        else:
            groups[-1].append(token)
    return groups


def _statement(tokens: list[Token]) -> dict[str, Any]:
    words = [text.lower() if group == "word" else "" for group, text in tokens]
    depths = _depths(tokens)
    verb = _verb(words)
    if depths is None or verb not in VERBS or (verb == "select" and "into" in words):
        return UNPARSABLE
    where = any(word == "where" and depth == 0 for word, depth in zip(words, depths, strict=True))
    return {"verb": verb, "tables": _tables(tokens, words), "where": where}


def _depths(tokens: list[Token]) -> list[int] | None:
    """How many parentheses are open at each token; None when they do not match."""
    depths, depth = [], 0
    for _, text in tokens:
        depth += (text == "(") - (text == ")")
        if depth < 0:
            return None
        depths.append(depth)
    return depths if depth == 0 else None


def _verb(words: list[str]) -> str:
    """What it does: a write inside WITH or EXPLAIN ANALYZE is a write."""
    first = words[0]
    if first == "with" or (first == "explain" and "analyze" in words):
        writes = [word for word in words if word in WRITES]
        return writes[0] if writes else ("select" if "select" in words else "unparsable")
    return first


def _tables(tokens: list[Token], words: list[str]) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(tokens):
        if words[at] in BEFORE_TABLES or (words[at] == "truncate" and at == 0):
            at = _names(tokens, words, at + 1, found)
        else:
            at += 1
    return list(dict.fromkeys(found))


def _names(tokens: list[Token], words: list[str], at: int, found: list[str]) -> int:
    """Reads `a.b AS x, c` from `at`; returns where it stopped."""
    while at < len(tokens):
        while at < len(tokens) and words[at] in ("if", "not", "exists", "only", "table"):
            at += 1
        parts, at = _dotted(tokens, words, at)
        if not parts:
            return at
        found.append(".".join(parts))
        while at < len(tokens) and tokens[at][0] in ("word", "name") and words[at] not in (*BEFORE_TABLES, *NOT_TABLES):
            at += 1  # an alias
        if at >= len(tokens) or tokens[at] != ("mark", ","):
            return at
        at += 1
    return at


def _dotted(tokens: list[Token], words: list[str], at: int) -> tuple[list[str], int]:
    parts: list[str] = []
    while at < len(tokens):
        group, text = tokens[at]
        if group not in ("word", "name") or words[at] in (*BEFORE_TABLES, *NOT_TABLES):
            break
        parts.append(text[1:-1] if group == "name" else text.lower())
        at += 1
        if at >= len(tokens) or tokens[at] != ("mark", "."):
            break
        at += 1
    return parts, at
