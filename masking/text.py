"""The streaming core: one channel of text, in pieces of any size, masked as if it had been there whole.

The law: for every splitting, what comes out, joined, equals `mask_text` of the whole, and no byte of a secret is let go
before the secret is decided.

How: `Scanner.alive` gives the leftmost start that later bytes could still turn into a secret. All starts before it are
decided for good, so they are examined, once, from left to right; the bytes from it on are held. Three places in a text:

    … sent or masked …  │ _out … │ held …
                        starts before _pos have been examined (_pos ≤ _out only inside a masked value)

A start inside a masked value is examined too: a second secret may begin in it and reach beyond it. What it adds is
masked as well. A secret that is known by its beginning need not be held whole: its further bytes are swallowed.
"""

from masking.detector import Detector
from masking.edits import CLOSED, CUT, MORE, Edit, End, splice
from masking.engine import Regex
from masking.finding import Findings
from masking.matcher import KEPT, Matcher, compiled
from masking.scan import Hit, Rule, Scanner

# Candidates that fail validation are cheap for the sender and dear for us (about 6 µs each). After this many in one
# window of text every candidate in it counts as a hit, and the run of digits and separators behind it is swallowed.
WINDOW = 1024
MOST_REFUSED = 64
# After this many swallowed bytes white space ends a swallowed run, whatever the rule says: a PEM header without an END
# line must not eat the rest of its channel, and no key is longer (RSA-16384 is 12 KiB).
MOST_SWALLOWED = 64 << 10

DENSE = Rule(
    name="dense",
    version="1",
    detector=Detector("dense", "[0-9]", (), (), swallow=r"[0-9A-Z .:/+@_\-]"),
    telling=False,
)
_DENSE_RUN = compiled(DENSE.detector)
_SPACE = Regex(r"[\x09-\x0d ]")


class TextStream:
    """One channel. `context` is text that stands before it and is never emitted, e.g. b'"routing":"'."""

    __slots__ = (
        "_base",
        "_buf",
        "_out",
        "_pos",
        "_refused",
        "_scanner",
        "_sink",
        "_swallow",
        "_swallowed",
        "_where",
        "_window",
    )

    def __init__(self, scanner: Scanner, where: str, sink: Findings, *, context: bytes = b"") -> None:
        self._scanner, self._where, self._sink = scanner, where, sink
        self._buf = context[-KEPT:]
        self._pos = self._out = len(self._buf)
        self._base = -self._pos  # position in the channel of the first byte of _buf
        self._swallow: Matcher | None = None
        self._swallowed = 0
        self._window = self._refused = 0

    @property
    def held(self) -> int:
        """Bytes that have come and are neither sent nor masked yet."""
        return len(self._buf) - self._out

    @property
    def decided(self) -> int:
        """Every byte of the channel before this offset is final."""
        return self._base + self._out

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes, give those that may go now. Raises Blocked when a rule says so."""
        kept, begin = self._buf[self._out :] + data, self.decided
        edits = self.push(data)
        return splice(kept[: self.decided - begin], edits, begin)

    def finish(self, data: bytes = b"", *, closed: bool = False) -> bytes:
        """The rest. `closed`: the container says that the text is complete (a JSON string's quote, a block's stop).

        Without it the text may have been cut off, so a beginning of a secret at its end is masked too, if it shows six
        digits of a number or the decisive beginning of a key.
        """
        kept, begin = self._buf[self._out :] + data, self.decided
        return splice(kept, self.push(data, CLOSED if closed else CUT), begin)

    def push(self, data: bytes, end: End = MORE) -> list[Edit]:
        """Take the next bytes, give what becomes of those decided by now, as edits in offsets of the channel."""
        edits: list[Edit] = []
        self._buf += data
        self._scan(edits, final=end is not MORE)
        if end is MORE:
            keep = max(0, self._pos - KEPT)
            self._buf = self._buf[keep:]
            self._pos, self._out, self._base = self._pos - keep, self._out - keep, self._base + keep
            return edits
        if end is CUT:
            self._mask_cut(edits)
        self._base += len(self._buf)
        self._buf, self._pos, self._out = b"", 0, 0
        return edits

    def _scan(self, edits: list[Edit], *, final: bool) -> None:
        """Examine every start that is decided, tell the edits, move _pos and _out."""
        if self._swallow is not None:
            self._drop(edits)
        buf, scanner = self._buf, self._scanner
        examine, next_plain, next_value = scanner.examine, scanner.next_plain, scanner.next_value
        limit = len(buf) if final else scanner.alive(buf, self._pos)
        plain = value = -1  # the next start that each of the two searches has found; -1: not searched yet
        while self._swallow is None and self._pos < limit:
            pos = self._pos
            if plain < pos:
                plain = next_plain(buf, pos)
            if value < pos:
                value = next_value(buf, pos)
            start = plain if plain < value else value
            if start >= limit:
                break
            hit, refused = examine(buf, start, start == value)
            self._pos = start + 1
            if hit is None:
                if refused < 0 or not self._too_many(start):
                    continue
                hit = Hit(max(refused, self._out), -1)  # inside a masked value: what follows it counts as dense
            elif hit.end <= self._out and not scanner.blocks(hit):
                continue
            elif start < self._out and self._too_many(start):  # what only ever adds a little costs like what is refused
                hit = Hit(hit.end, -1)
            self._mask(edits, start, hit)
            if (
                final
                and self._out == len(buf)
                and not scanner.blocking
                and self._refused + len(buf) - start < MOST_REFUSED
            ):
                break  # no second secret can reach beyond this one
            if self._pos > start + 1 and not final:  # bytes were swallowed: what was alive may be gone
                limit = scanner.alive(buf, self._pos)
        if self._swallow is None and not final:
            self._out = max(self._out, limit)
            self._pos = limit

    def _too_many(self, start: int) -> bool:
        """Count a refused candidate; True when its window has had its share. Depends on the text alone."""
        window = (self._base + start) // WINDOW
        if window != self._window:
            self._window, self._refused = window, 0
        self._refused += 1
        return self._refused > MOST_REFUSED

    def _mask(self, edits: list[Edit], start: int, hit: Hit) -> None:
        """Replace the bytes of a hit that are still here, and swallow what belongs to it."""
        buf, end, out = self._buf, hit.end, self._out
        if hit.rule < 0:
            rule, matcher = DENSE, _DENSE_RUN
        else:
            rule, matcher = self._scanner.rules[hit.rule], self._scanner.matchers[hit.rule]
        goes_on = matcher.run != 0 and end < len(buf) and bool(matcher.run >> buf[end] & 1)
        whole = hit.whole and start >= out and not goes_on and matcher.until is None and hit.rule >= 0
        start = max(start, out)
        text = self._scanner.replace(rule, buf[start:end], self._where, self._sink, whole=whole)
        edits.append(Edit(self._base + start, self._base + end, text))
        self._out = end
        if goes_on or matcher.until is not None or hit.rule < 0:
            self._pos, self._swallow, self._swallowed = end, matcher, 0
            self._drop(edits)

    def _drop(self, edits: list[Edit]) -> None:
        """Move over swallowed bytes; leave _swallow set if the run may go on in the next piece."""
        matcher = self._swallow
        if matcher is None or matcher.foreign is None:
            return
        buf, start = self._buf, self._pos
        stop = matcher.foreign.find(buf, start)[0]
        stop = len(buf) if stop < 0 else stop
        ended = stop < len(buf)
        if matcher.until is not None:
            end = matcher.until.find(buf, start - min(self._swallowed, KEPT, start))[1]
            if 0 <= end <= stop:
                stop, ended = end, True
        rest = max(0, MOST_SWALLOWED - self._swallowed)
        if stop - start > rest:
            space = _SPACE.find(buf, start + rest)[0]
            if 0 <= space < stop:
                stop, ended = space, True
        if stop > start:
            edits.append(Edit(self._base + start, self._base + stop, b""))
        self._swallowed += stop - start
        self._pos = self._out = stop
        if ended:
            self._swallow = None

    def _mask_cut(self, edits: list[Edit]) -> None:
        """At an end that nothing has closed: mask from the leftmost telling beginning of a secret on."""
        if self._swallow is not None:
            return
        buf, out = self._buf, self._out
        starts = [(at, index) for index, m in enumerate(self._scanner.matchers) if (at := m.cut_at(buf, out)) >= 0]
        if not starts:
            return
        at, index = min(starts)
        text = self._scanner.replace(self._scanner.rules[index], buf[at:], self._where, self._sink, whole=False)
        edits.append(Edit(self._base + at, self._base + len(buf), text))


def short_text(
    scanner: Scanner, where: str, sink: Findings, data: bytes, *, context: bytes = b"", by: int = 0
) -> list[Edit]:
    """What a TextStream makes of a whole text, as edits moved `by`; most values of documents are a word or a number.

    In fewer bytes than candidates may be refused none need be counted; for longer texts, and for secrets of which more
    bytes are swallowed, the stream itself is asked.
    """
    buf = context[-KEPT:] + data if context else data
    begin = len(buf) - len(data)
    hits = _short_hits(scanner, buf, begin) if len(buf) < MOST_REFUSED and not scanner.blocking else None
    by -= begin
    if hits is None:
        edits = TextStream(scanner, where, sink, context=context).push(data, CLOSED)
        return [Edit(start + by + begin, end + by + begin, text) for start, end, text in edits]
    edits = []
    for start, out, hit in hits:
        whole = hit.whole and out == start
        text = scanner.replace(scanner.rules[hit.rule], buf[out : hit.end], where, sink, whole=whole)
        edits.append(Edit(out + by, hit.end + by, text))
    return edits


def _short_hits(scanner: Scanner, buf: bytes, out: int) -> list[tuple[int, int, Hit]] | None:
    """The hits of a whole text: (start, start of what is not masked yet, hit). None when one swallows what follows."""
    hits: list[tuple[int, int, Hit]] = []
    size, pos, plain, value = len(buf), out, -1, -1
    while True:
        if plain < pos:
            plain = scanner.next_plain(buf, pos)
        if value < pos:
            value = scanner.next_value(buf, pos)
        start = plain if plain < value else value
        if start >= size:
            return hits
        hit, _ = scanner.examine(buf, start, start == value)
        pos = start + 1
        if hit is None or hit.end <= out:
            continue
        matcher = scanner.matchers[hit.rule]
        if matcher.until is not None or (hit.end < size and matcher.run >> buf[hit.end] & 1):
            return None
        hits.append((start, max(out, start), hit))
        out = hit.end
        if out == size:
            return hits


def mask_text(
    scanner: Scanner, where: str, sink: Findings, data: bytes, *, context: bytes = b"", closed: bool = False
) -> bytes:
    """The whole text at once: what every splitting of it through a TextStream also gives."""
    return TextStream(scanner, where, sink, context=context).finish(data, closed=closed)
