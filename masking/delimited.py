"""CSV and its relatives (RFC 4180): cells under the names of their columns, every other byte as it was.

The first record names the columns if it looks like names: none of its cells is a number or holds a secret. The
delimiter is the one of `, ; tab |` that stands most often in it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from masking import base64text
from masking.edits import CLOSED, CUT, Core, Edit, End, splice
from masking.engine import Regex
from masking.errors import Uninspectable
from masking.parts import Whole
from masking.probe import probe
from masking.scope import Scope
from masking.select import KeyRule
from masking.strings import RuledCore, StringCore
from masking.text import TextStream

# One record that does not end; the longest cells in the wild are documents of some hundred kilobytes.
MAX_RECORD = 4 << 20
BOM = b"\xef\xbb\xbf"
_DELIMITERS = b",;\t|"
_BREAK = re.compile(rb"\n|\r(?=[^\n])")
_NAME = re.compile(rb"[A-Za-z_\x80-\xff]")
_BASE64 = Regex(base64text.HEAD)


class Column:
    """What a column's name asks for: a rule for its cells, or the context that announces them."""

    __slots__ = ("context", "rule", "scope")

    def __init__(self, scope: Scope, name: str) -> None:
        self.scope = scope.at((0, name)) if name else scope.at((0,))
        self.rule: KeyRule | None = self.scope.rule(name) if name else None
        quoted = b'"' + name.encode("utf-8", "replace") + b'"'
        self.context = quoted + b': "' if name and probe(scope.scanner).contextual(quoted) else b""

    @property
    def plain(self) -> bool:
        return self.rule is None and not self.context


class Delimited:
    """A table in pieces: whole records are masked, what is left waits for its end.

    What goes over cells and records, the lines of a key file say, is masked before there are any.
    """

    __slots__ = ("_columns", "_delimiter", "_next", "_rest", "_scope", "_watched", "_wide")

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._rest = b""
        self._next = 0  # the size of the rest from which it is worth a look again
        self._delimiter = b""
        self._columns: list[Column] = []
        self._watched = False  # does any column ask for something?
        self._wide = Whole(TextStream(scope.scanner.over_lines, scope.where, scope.sink))

    def feed(self, data: bytes) -> bytes:
        self._rest += self._wide.feed(data)
        if len(self._rest) < self._next:
            return b""
        out = b""
        if not self._delimiter:
            out = self._take(_first_end(self._rest))
        if self._delimiter:
            out += self._take(_last_end(self._rest, self._delimiter))
        if len(self._rest) > MAX_RECORD:
            raise Uninspectable("a record of the table is too large to be looked into")
        self._next = len(self._rest) + (len(self._rest) >> 3)  # else a long record costs the square of its length
        return out

    def finish(self, end: End = CUT) -> bytes:
        self._rest += self._wide.finish(end)
        out = b"" if self._delimiter else self._take(_first_end(self._rest))
        rest, self._rest = self._rest, b""
        return out + (self._block(rest, end) if rest else b"")

    def _take(self, end: int) -> bytes:
        block, self._rest = self._rest[:end], self._rest[end:]
        return self._block(block, CLOSED) if block else b""

    def _block(self, block: bytes, end: End) -> bytes:
        """Whole records; the last one ends as `end` says."""
        if not self._delimiter:
            return self._head(block, end)
        if self._watched or end is CUT or self._interesting(block):
            return self._masked(block, end)
        return block

    def _interesting(self, text: bytes) -> bool:
        scanner = self._scope.scanner
        # as it stands; as a cell's quotes are undone; as lenient readers join what is around them
        forms = {text, text.replace(b'""', b'"'), text.replace(b'"', b"")}
        if any(scanner.candidate(form) or _BASE64.find(form)[0] >= 0 for form in forms):
            return True
        document = b"{" in text or b"[" in text
        return document and (scanner.has_key_rules or scanner.has_path_rules or b"\\" in text)

    def _head(self, record: bytes, end: End) -> bytes:
        """The first record: names, or already data."""
        self._delimiter = max((bytes((each,)) for each in _DELIMITERS), key=record.count)
        masked = self._masked(record, end)
        cells = [_inside(record[a:b]).removeprefix(BOM).strip() for a, b in _cells(record, self._delimiter)]
        if masked == record and all(_NAME.match(cell) or not cell for cell in cells):
            self._columns = [Column(self._scope, cell.decode("utf-8", "replace")) for cell in cells]
            self._watched = not all(column.plain for column in self._columns)
        return masked

    def _masked(self, block: bytes, end: End) -> bytes:
        edits: list[Edit] = []
        number, nameless = 0, Column(self._scope, "")
        for start, stop in _cells(block, self._delimiter):
            number = 0 if start and block[start - 1 : start] in (b"\n", b"\r") else number
            column = self._columns[number] if number < len(self._columns) else nameless
            if stop > start:
                ending = CUT if end is CUT and stop == len(block) else CLOSED
                edits += self._cell(block[start:stop], column, start, ending)
            number += 1
        return splice(block, edits)

    def _cell(self, cell: bytes, column: Column, at: int, end: End) -> list[Edit]:
        text = _inside(cell)
        core: Core
        if column.rule is not None:
            core = RuledCore(column.scope, column.rule)
        elif end is CUT or column.context or self._interesting(text) or not _well_formed(cell):
            core = StringCore(column.scope, column.context)
        else:
            return []
        edits = core.push(text, end)
        if not edits and column.rule is None and not _well_formed(cell):
            text = cell.replace(b'"', b"")
            edits = StringCore(column.scope, column.context).push(text, end)
        return [Edit(at, at + len(cell), self._quoted(splice(text, edits), cell))] if edits else []

    def _quoted(self, text: bytes, cell: bytes) -> bytes:
        if cell.startswith(b'"') or any(char in text for char in (b'"', b"\n", b"\r", self._delimiter)):
            return b'"' + text.replace(b'"', b'""') + b'"'
        return text


def _first_end(data: bytes) -> int:
    """Where the first record ends; 0 if it has not. Cells begin behind each delimiter that it may have."""
    data, limit = _hidden(data, _DELIMITERS)
    found = _BREAK.search(data, 0, limit + 1)  # the quote at the limit tells that a CR before it is a whole line end
    return found.end() if found else 0


def _last_end(data: bytes, delimiter: bytes) -> int:
    """Where the last whole record ends; 0 if none has. `data` begins where a record does."""
    data, limit = _hidden(data, delimiter)
    end = data.rfind(b"\n", 0, limit) + 1
    known = limit if limit < len(data) else limit - 1  # at the very end it may begin a CRLF
    return max(end, data.rfind(b"\r", end, max(end, known)) + 1)


def _hidden(data: bytes, delimiters: bytes) -> tuple[bytes, int]:
    """The data with no line breaks in quoted cells, and where a quoted cell begins that has not ended."""
    if b'"' not in data:
        return data, len(data)
    quoted, limit = _quoted(delimiters), len(data)
    for found in quoted.finditer(data):
        if not found[1]:
            limit = found.start()
            break
    return quoted.sub(lambda found: b"x" * len(found[0]), data[:limit]) + data[limit:], limit


@lru_cache(maxsize=8)
def _quoted(delimiters: bytes) -> re.Pattern[bytes]:
    """A quoted cell; its closing quote is missing when the data ends inside it."""
    return re.compile(rb'(?:(?<=[%b\r\n])|\A)"[^"]*(?:""[^"]*)*("?)' % re.escape(delimiters))


@lru_cache(maxsize=8)
def _pattern(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(rb'(?:"[^"]*(?:""[^"]*)*"?)?[^%s\r\n]*' % re.escape(delimiter))


def _cells(block: bytes, delimiter: bytes) -> Iterator[tuple[int, int]]:
    """The cells of whole records, one after the other."""
    pattern, at = _pattern(delimiter), 0
    while at < len(block):
        found = pattern.match(block, at)
        end = found.end() if found else len(block)
        yield at, end
        at = end + (2 if block[end : end + 2] == b"\r\n" else 1)


def _inside(cell: bytes) -> bytes:
    """The text of a cell, without its quotes."""
    if not cell.startswith(b'"'):
        return cell
    return cell[1:].removesuffix(b'"').replace(b'""', b'"')


def _well_formed(cell: bytes) -> bool:
    """No quote in it, or only where RFC 4180 has them: readers make different texts of anything else."""
    return b'"' not in cell or (len(cell) > 1 and cell[0] == cell[-1] == 0x22 and b'"' not in _bare(cell))


def _bare(cell: bytes) -> bytes:
    return cell[1:-1].replace(b'""', b"")
