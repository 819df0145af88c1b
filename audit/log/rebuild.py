"""The shipper's cursor database made anew from the published log, when it was lost or restored from an old copy.

The signed tiles are the truth: every entry is read again and hashed up to the signed root, so no second history can
begin. What was not signed is still in the spools and comes again. What was signed and may not be in ClickHouse yet is
everything from the first entry on that a spool still holds; the sender looks before it inserts.
"""

import hashlib
import json
import sqlite3
from pathlib import Path

from audit.log.cursor import Cursor, Placed
from audit.log.spools import Spools
from audit.log.tiles import TileReader
from audit.log.tree import Tree, leaf_hash

Positions = dict[str, tuple[int, bytes]]


class NotRebuilt(ValueError):
    """The published log is not what its checkpoint says."""


def rebuild(cursor: Cursor, spools: Spools, root: Path, size: int, head: bytes) -> int:
    """Sets `cursor` to the published log of `size` entries under the tree head `head`.

    Returns how many entries go to ClickHouse once more. Raises NotRebuilt, and changes nothing then.
    """
    kept = _first_kept(spools)
    tree, positions, again = Tree(), Positions(), list[Placed]()
    acked: dict[str, int] = {}
    try:
        for index, body in enumerate(TileReader(root).bodies(size)):
            event = json.loads(body)
            place = Placed(index, event["writer"], event["seq"], leaf_hash(body), hashlib.sha256(body).digest())
            tree.append(place.leaf)
            positions[place.writer] = (place.seq, place.hash)
            if again or place.seq >= kept.get(place.writer, 2**63):
                again.append(place)
            else:
                acked[place.writer] = place.seq
    except (OSError, ValueError, KeyError, TypeError):
        raise NotRebuilt("a bundle of the published log cannot be read") from None
    if tree.root() != head:
        raise NotRebuilt("the published log is not what its checkpoint signed")
    cursor.restore(tree, positions, again, acked)
    return len(again)


def _first_kept(spools: Spools) -> dict[str, int]:
    """The first sequence that each writer's spool still holds."""
    found = {}
    with spools.open() as opened:
        if opened.busy:
            raise NotRebuilt("a spool cannot be read now")
        for writer, spool in opened.items():
            try:
                first = spool.after(0, rows=1)
            except sqlite3.Error:
                continue
            if first:
                found[writer] = first[0].seq
    return found
