"""The published log (C2SP tlog-tiles) from a folder: checked against its signed checkpoint, tile by tile."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from audit.verify import merkle
from audit.verify.body import Malformed, read
from audit.verify.findings import CannotVerify, Finding, Flaw, Report
from audit.verify.handover import entries, followed, in_tiles
from audit.verify.notes import Checkpoint, Key, NoteRefused, open_checkpoint, parse_keys
from audit.verify.rows import Row, verify_rows
from audit.verify.signatures import Signatures

TILE = 256
FULL = TILE * merkle.HASH  # bytes


class Published:
    """A log whose leaves were found to be under a signed checkpoint. Implements `roots.Log`."""

    def __init__(self, root: Path, checkpoint: Checkpoint, leaves: bytes) -> None:
        self._root, self.checkpoint, self._leaves = root, checkpoint, leaves
        tiles = range(0, len(leaves) - FULL + 1, FULL)
        self.above = [merkle.perfect(leaves[at : at + FULL]) for at in tiles]  # the hashes of level 1
        self._bundle: tuple[int, list[bytes]] = (-1, [])
        self._places: dict[bytes, int] = {}

    @property
    def size(self) -> int:
        return self.checkpoint.size

    def leaf(self, index: int) -> bytes:
        return self._leaves[index * 32 : index * 32 + 32]

    def body(self, index: int) -> bytes | None:
        body = self.stored(index)
        return body if body is not None and merkle.leaf(body) == self.leaf(index) else None

    def stored(self, index: int) -> bytes | None:
        """What the bundle holds at `index`, right or wrong."""
        number, offset = divmod(index, TILE)
        if self._bundle[0] != number:
            width = min(TILE, self.size - number * TILE)
            self._bundle = (number, entries(_load(self._root, "entries", number, width)))
        bodies = self._bundle[1]
        return bodies[offset] if offset < len(bodies) else None

    def bodies(self) -> Iterator[tuple[int, bytes]]:
        """Every entry that a bundle holds, right or wrong, with its index."""
        for index in range(self.size):
            if (body := self.stored(index)) is not None:
                yield index, body

    def heads(self, sizes: Sequence[int]) -> Iterator[bytes]:
        growing, rest = merkle.Growing(), merkle.Growing()  # of full tiles; of the leaves after them
        for size in sizes:
            if growing.size < size // TILE:
                rest = merkle.Growing()
            for tile in self.above[growing.size : size // TILE]:
                growing.add(tile)
            for index in range(growing.size * TILE + rest.size, size):
                rest.add(self.leaf(index))
            yield growing.head(rest.head() if rest.size else None)

    def find(self, leaf: bytes) -> int | None:
        if not self._places:
            self._places = {self.leaf(index): index for index in range(self.size)}
        return self._places.get(leaf)


def read_tiles(root: Path, keys: Sequence[Key], report: Report) -> Published | None:
    """The log under `root`, or None if it cannot be trusted; `report` then says why. Raises CannotVerify."""
    try:
        note = (root / "checkpoint").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise CannotVerify(f"{root / 'checkpoint'} cannot be read") from None
    try:
        checkpoint = _opened(note, keys, root, report)
    except NoteRefused as error:
        report.add(Finding(Flaw.FORGED, f"{root / 'checkpoint'}: {error}"))
        return None
    leaves = b"".join(_level(root, 0, checkpoint.size, report))
    if len(leaves) != checkpoint.size * 32:
        return None
    published = Published(root, checkpoint, leaves)
    if next(published.heads([checkpoint.size])) != checkpoint.root:
        _blame(root, published, report)
        return None
    _check_upper(root, published.above, report)
    report.checkpoints += 1
    report.confirmed_size = max(report.confirmed_size, checkpoint.size)
    return published


def _opened(note: str, keys: Sequence[Key], root: Path, report: Report) -> Checkpoint:
    """Raises NoteRefused. Bundles are searched for a newer key only if none of `keys` signed."""
    source = "the log's checkpoint"
    try:
        return open_checkpoint(note, keys, source)
    except NoteRefused:
        more = followed(keys, in_tiles(root))
        if len(more) == len(keys):
            raise
        return open_checkpoint(note, followed(keys, in_tiles(root), report), source)


def verify_tiles(root: Path, vkeys: Sequence[str], witnessed: Sequence[Checkpoint] = ()) -> Report:
    """Checks a folder of tiles for itself: signature, tree, every entry, every writer's chain."""
    keys = parse_keys(vkeys)
    report = Report(f"tiles {root}")
    published = read_tiles(root, keys, report)
    if published is not None:
        signatures = Signatures()
        told = signatures.told
        report.merge(verify_rows(_rows(published), witnessed, log=published, subject=report.subject, told=told))
        signatures.settle(report)
    if not witnessed:
        report.note(NO_WITNESS)
    report.sort()
    return report


NO_WITNESS = (
    "no checkpoint from outside of this machine was given: this proves that no accident changed the record, not that"
    " no insider did, who may hold the log's key and every copy"
)


def _rows(published: Published) -> Iterator[Row]:
    for index, body in published.bodies():
        event = None
        writer, seq = "", 0
        try:
            event = read(body)
            writer, seq = event.writer, event.seq
        except Malformed:
            pass
        yield Row(index, writer, seq, body, sha256(body).digest(), None, event)


def _level(root: Path, level: int, entries: int, report: Report) -> Iterator[bytes]:
    """The tiles of one level, each as wide as it must be. Stops at the first that is not."""
    for number in range((entries + TILE - 1) // TILE):
        width = min(TILE, entries - number * TILE)
        tile = _load(root, str(level), number, width)[: width * 32]
        if len(tile) != width * 32:
            first = number * TILE ** (level + 1)
            report.add(Finding(Flaw.MISSING, f"tile {level}/{number} is missing or cut off", first))
            return
        yield tile


def _check_upper(root: Path, above: Sequence[bytes], report: Report) -> None:
    """The tiles above level 0 are not needed here, but other readers of the log use them."""
    expected, level = b"".join(above), 1
    while expected:
        stored = b"".join(_level(root, level, len(expected) // 32, report))
        if len(stored) == len(expected) and stored != expected:
            bad = next(at for at in range(0, len(stored), 32) if stored[at : at + 32] != expected[at : at + 32]) // 32
            message = f"tile {level}/{bad // TILE} does not fit the tiles below it"
            report.add(Finding(Flaw.EDITED, message, bad * TILE**level))
        tiles = range(0, len(expected) - FULL + 1, FULL)
        expected, level = b"".join(merkle.perfect(expected[at : at + FULL]) for at in tiles), level + 1


def _blame(root: Path, published: Published, report: Report) -> None:
    """The leaves are not those that were signed: find which, with the help of the bundles and the level above."""
    size = published.size
    above = b"".join(_level(root, 1, size // TILE, report)) if size >= TILE else b""
    for number in range((size + TILE - 1) // TILE):
        span = range(number * TILE, min(size, (number + 1) * TILE))
        if len(span) == TILE and published.above[number] == above[number * 32 : number * 32 + 32]:
            continue
        for index in span:
            body = published.stored(index)
            if body is None or merkle.leaf(body) != published.leaf(index):
                report.add(Finding(Flaw.EDITED, "its leaf in the tiles is not that of its entry", index))
                return
    message = f"the tiles hold another history than the checkpoint over {size} entries signed"
    report.add(Finding(Flaw.ROLLED_BACK, message, 0))


def _load(root: Path, level: str, number: int, width: int) -> bytes:
    """A tile of `width` entries, or the full one in its place; empty if neither is there."""
    parts = [f"{number % 1000:03}"]
    rest = number // 1000
    while rest:
        parts.insert(0, f"x{rest % 1000:03}")
        rest //= 1000
    path = root / "tile" / level / "/".join(parts)
    for candidate in (path, path.with_name(f"{path.name}.p") / str(width), path):  # it may just have become full
        try:
            return candidate.read_bytes()
        except OSError:
            continue
    return b""
