"""The log as files, C2SP tlog-tiles: hash tiles, entry bundles, checkpoint. Any static file server can publish it.

    tile/<level>/<index>[.p/<width>]      hashes, 32 bytes each, 256 to a full tile
    tile/entries/<index>[.p/<width>]      event bodies, each after its length (uint16, big endian)
    checkpoint                            the signed tree head

All under `<state_dir>/log/tiles/`; `<state_dir>/log/checkpoint` is a link into it. Files are written once and never
changed. A partial one goes when its full one is durable, as the format allows.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from audit.log.tree import HASH_BYTES
from runtime.fileio import private_dir, sync_dir

WIDTH = 256
MAX_ENTRY = 0xFFFF


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """`x001/x234/067` for index 1234067, with `.p/<width>` for a partial tile. `level`: a number or "entries"."""
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(parts))}{partial}"


def pack(bodies: Iterable[bytes]) -> bytes:
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def unpack(bundle: bytes) -> list[bytes]:
    """The bodies in a bundle; ValueError if it is cut off."""
    bodies, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle):
            raise ValueError("the bundle is cut off")
        bodies.append(bundle[at + 2 : end])
        at = end
    return bodies


class TileReader:
    """What was published: tiles, bundles, single bodies."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, level: int | str, index: int, width: int) -> bytes:
        """A tile or bundle of at least `width` entries (the full one if the partial one went). FileNotFoundError."""
        try:
            return (self.root / tile_path(level, index, width)).read_bytes()
        except FileNotFoundError:
            return (self.root / tile_path(level, index)).read_bytes()

    def bodies(self, size: int) -> Iterator[bytes]:
        """The first `size` entries in order. FileNotFoundError, ValueError if a bundle is not whole."""
        for index in range(0, (size + WIDTH - 1) // WIDTH):
            width = min(WIDTH, size - index * WIDTH)
            bodies = unpack(self.read("entries", index, width))[:width]
            if len(bodies) != width:
                raise ValueError("the bundle is cut off")
            yield from bodies

    def body(self, log_index: int) -> bytes:
        """One published entry, from the widest form of its bundle. FileNotFoundError if it is not there."""
        index, offset = divmod(log_index, WIDTH)
        path = self.root / tile_path("entries", index)
        if not path.exists():
            folder = path.with_name(path.name + ".p")
            widths = sorted((int(part.name) for part in folder.glob("[0-9]*")), reverse=True)
            path = folder / str(widths[0] if widths else 0)
        return unpack(path.read_bytes())[offset]


class TileWriter(TileReader):
    """Extends the tiles of a log from one size to a larger one. Writing the same range twice changes nothing."""

    def extend(self, size: int, bodies: Sequence[bytes], hashes: Sequence[Sequence[bytes]]) -> None:
        """Adds to a log of `size` entries: `bodies`, and per level the hashes that their leaves completed.

        Durable on return.
        """
        changed: set[Path] = set()
        changed |= self._grow("entries", size, [pack([body]) for body in bodies])
        for level, added in enumerate(hashes):
            changed |= self._grow(level, size // WIDTH**level, added)
        for folder in sorted(changed):
            sync_dir(folder)
        self._sweep("entries", size, size + len(bodies))
        for level, added in enumerate(hashes):
            before = size // WIDTH**level
            self._sweep(level, before, before + len(added))

    def _grow(self, level: int | str, before: int, added: Sequence[bytes]) -> set[Path]:
        """Writes the tiles that hold entries `before` and on; returns the folders with new names."""
        if not added:
            return set()
        index, kept = divmod(before, WIDTH)
        head = self._kept(level, index, kept)
        folders: set[Path] = set()
        at = 0
        while at < len(added):
            part = added[at : at + WIDTH - kept]
            path = self.root / tile_path(level, index, kept + len(part))
            _make_folder(self.root, path.parent)
            _write(path, head + b"".join(part))
            folders.add(path.parent)
            at, index, kept, head = at + len(part), index + 1, 0, b""
        return folders

    def _kept(self, level: int | str, index: int, width: int) -> bytes:
        """The first `width` entries of a tile as they were published before."""
        if not width:
            return b""
        content = self.read(level, index, width)
        if level == "entries":
            return pack(unpack(content)[:width])
        return content[: width * HASH_BYTES]

    def _sweep(self, level: int | str, before: int, after: int) -> None:
        """Removes the partial forms of a tile that became full."""
        if before // WIDTH == after // WIDTH:
            return
        folder = self.root / (tile_path(level, before // WIDTH) + ".p")
        for path in folder.glob("*"):
            path.unlink()
        if folder.exists():
            folder.rmdir()


def _make_folder(root: Path, folder: Path) -> None:
    """Makes the folders between `root` and `folder`, each durable in its parent."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        private_dir(path)
        sync_dir(path.parent)


def _write(path: Path, content: bytes) -> None:
    """A durable file under its final name, or none: readers never see a part. The name is synced by the caller."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
