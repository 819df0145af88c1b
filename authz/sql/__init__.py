"""`sql.query`: SQL in the fields that a connection declares, described just enough to decide on. Pure.

    verb       select, insert, update, delete, merge, create, alter, drop, truncate, grant, revoke, call, explain,
               describe, transaction, unparsable
    tables     every table that is named, read or written, lower case unless quoted
    where      whether this write or query has a WHERE that can leave a row out
    columns    what an INSERT names, an UPDATE or MERGE sets
    functions  calls of functions that are not SQL's own

A text passes two gates: `lexer.py` refuses what dialects cut into other tokens; then sqlglot parses it, in the dialect
that the connection declares (`sql_dialect`), else in several, whose readings are put together. What either does not
take is `unparsable`, which policies deny.
"""

import logging
from collections.abc import Sequence
from typing import Any

import sqlglot
from sqlglot.errors import SqlglotError

from authz import places
from authz.sql.lexer import Token, joined, split, tokens
from authz.sql.tree import BY_WORD, ROOTS, UNPARSABLE, WRITES, Description, describe

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it warns of what it cannot parse, and quotes it
VERBS = frozenset({"select", *ROOTS.values(), *WRITES.values(), *BY_WORD.values(), "explain", "unparsable"})
MAX_SQL = 20_000  # characters of a request; dense ones cost about 10 µs each, for each dialect
MAX_STATEMENTS = 100
MAX_NESTING = 60  # open parentheses; the parser descends
ANY = ("", "postgres", "mysql", "tsql", "oracle")
EXPLAINS = frozenset({"explain", "desc", "describe"})
OPTIONS = frozenset({"analyze", "analyse", "verbose", "extended", "partitions", "plan", "query", "for", "formatted"})


def described(document: Any, fields: Sequence[str], dialect: str = "") -> list[Description]:
    """Of everything that stands at the declared fields, text or not; empty where nothing does."""
    found: list[Description] = []
    left = MAX_SQL
    for field in fields:
        for text in places.at(document, field):
            left -= len(text) if isinstance(text, str) else 0
            found += statements(text, dialect) if left >= 0 else [UNPARSABLE]
            if len(found) > MAX_STATEMENTS:
                return [*found[:MAX_STATEMENTS], UNPARSABLE]
    return found


def statements(text: object, dialect: str = "") -> list[Description]:
    """At least one description; several of a statement that writes in several places."""
    if not isinstance(text, str) or len(text) > MAX_SQL:
        return [UNPARSABLE]
    found = tokens(text, dialect)
    groups = split(found) if found else []
    if not groups or len(groups) > MAX_STATEMENTS:
        return [UNPARSABLE]
    return [description for group in groups for description in _statement(group, (dialect,) if dialect else ANY)]


def _statement(group: list[Token], dialects: Sequence[str]) -> list[Description]:
    explained, rest = _explained(group)
    if not rest or _nesting(rest) > MAX_NESTING:
        return [UNPARSABLE]
    text = joined(rest)
    readings = [reading for dialect in dialects if (reading := _reading(text, rest, dialect))]
    if not readings:
        return [UNPARSABLE]
    found = _together(readings)
    return [{**each, "verb": "explain"} for each in found] if explained == "explain" and _reads(found) else found


def _reading(text: str, group: list[Token], dialect: str) -> list[Description]:
    """Empty where this dialect has no such statement."""
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect=dialect or None) if tree is not None]
        return describe(trees[0], group) if len(trees) == 1 else [UNPARSABLE]
    except (SqlglotError, RecursionError, ValueError):
        return []


def _together(readings: list[list[Description]]) -> list[Description]:
    """What any of them sees is seen; a WHERE counts if all see it. Different verbs are no one meaning."""
    first = readings[0]
    if any([each["verb"] for each in reading] != [each["verb"] for each in first] for reading in readings):
        return [UNPARSABLE]
    return [_merged([reading[at] for reading in readings]) for at in range(len(first))]


def _merged(seen: list[Description]) -> Description:
    def union(name: str) -> list[str]:
        return list(dict.fromkeys(item for each in seen for item in each[name]))

    where = all(each["where"] for each in seen)
    lists = {name: union(name) for name in ("tables", "columns", "functions")}
    return {"verb": seen[0]["verb"], "where": where, **lists}


def _explained(group: list[Token]) -> tuple[str, list[Token]]:
    """EXPLAIN with its options off. With ANALYZE the statement runs, so it is described as itself."""
    if group[0].word not in EXPLAINS or len(group) < 3:
        return "", group
    at, analyzed = 1, False
    if group[at].text == "(":
        while at < len(group) and group[at].text != ")":
            analyzed, at = analyzed or group[at].word.startswith("analy"), at + 1
        at += 1
    while at < len(group) and group[at].word in OPTIONS:
        analyzed, at = analyzed or group[at].word.startswith("analy"), at + 1
    return ("" if analyzed else "explain"), group[at:]


def _reads(found: list[Description]) -> bool:
    """EXPLAIN of a write stays the write: servers differ in what they run of it."""
    return all(each["verb"] == "select" for each in found)


def _nesting(group: list[Token]) -> int:
    depth = most = 0
    for token in group:
        depth += (token.text == "(") - (token.text == ")")
        most = max(most, depth)
    return most
