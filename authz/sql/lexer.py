"""The gate before the parser: texts whose strings, names and comments end at the same place in every dialect. Pure.

A parser reads one dialect; the database behind the connection reads its own. Where two of them could disagree about
what is a comment or a string, a statement can be hidden from one of them, so such a text is not parsed at all. What is
let through here, each dialect cuts into the same tokens.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

TOKEN = re.compile(
    # a comment that is one everywhere: MySQL wants a space after --, and only a line feed ends it there; what begins
    # with /*! or /*M! MySQL and MariaDB run; nested ones end earlier in MySQL than in PostgreSQL
    r"""(?P<space>[ \t\r\n]+|--(?:[ \t][^\r\n\v\f\x85\u2028\u2029]*)?(?=\r?\n|\Z)|/\*(?!!|\+|M!)(?:(?!/\*).)*?\*/)
      | (?P<string>'(?:[^'\\]|''|\\[^'])*')   # MySQL escapes a quote by a backslash, others do not
      | (?P<name>"(?:[^"\\]|"")*"|`[^`\\]*`)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<number>[0-9][0-9A-Za-z_.]*)
      | (?P<mark>\$[0-9]+|::|-(?!-)|/(?!\*)|[().,;=<>+*%|&^~?:@!])""",
    re.VERBOSE | re.DOTALL,
)
# beside what all have in common; none of them changes where a string or a comment ends
EXTRA = {
    "postgres": re.compile(r"(?P<mark>[\[\]{}#])"),
    "redshift": re.compile(r"(?P<mark>[\[\]{}#])"),
    "tsql": re.compile(r"(?P<name>\[[^\[\]]*\])|(?P<mark>[{}#])"),
    "sqlite": re.compile(r"(?P<name>\[[^\[\]]*\])"),
    "snowflake": re.compile(r"(?P<mark>[\[\]{}])"),
    "bigquery": re.compile(r"(?P<mark>[\[\]{}])"),
    "databricks": re.compile(r"(?P<mark>[\[\]{}])"),
}
# with a word before the quote a string can have other rules: E'', U&'', q'[…]', N'', _utf8''
PREFIXES = frozenset({"e", "q", "nq", "u", "r", "b"})


class Token(NamedTuple):
    """`group` of the patterns above; `apart`: white space or a comment stands before it."""

    group: str
    text: str
    apart: bool = True

    @property
    def word(self) -> str:
        """In lower case; "" for what is no word."""
        return self.text.lower() if self.group == "word" else ""


def tokens(text: str, dialect: str) -> list[Token] | None:
    """None where dialects would read it differently."""
    found: list[Token] = []
    at, apart = 0, True
    while at < len(text):
        match = TOKEN.match(text, at) or (EXTRA[dialect].match(text, at) if dialect in EXTRA else None)
        if match is None or match.lastgroup is None:
            return None
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match[0], apart))
        apart, at = match.lastgroup == "space", match.end()
    return None if any(_changes(found)) else found


def _changes(found: list[Token]) -> Iterator[bool]:
    """A string under other rules than the plain ones: its prefix stands right before it."""
    for before, after in pairwise(found):
        yield before.word in PREFIXES and after.group == "string"


def split(found: list[Token]) -> list[list[Token]]:
    """By the semicolons; empty statements are left out."""
    groups: list[list[Token]] = [[]]
    for token in found:
        if token.text == ";":
            groups.append([])
        else:
            groups[-1].append(token)
    return [group for group in groups if group]


def joined(group: list[Token]) -> str:
    """The statement without its comments: the parser never sees them."""
    return "".join(f" {token.text}" if token.apart else token.text for token in group)
