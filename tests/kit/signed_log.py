"""A small signed log in memory, made by the writers' own code, for tests that then tamper with it."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audit.log.note import Signer, checkpoint, sign
from audit.log.tiles import TileWriter
from audit.log.tree import Tree, leaf_hash
from audit.verify import Checkpoint, Key, Row, merkle
from audit.verify.notes import open_checkpoint
from audit.write.chain import Head, extend
from audit.write.event import Caller, Draft, Kind, compose

SIGNER = Signer.generate("gateway.test")


@dataclass
class Evidence:
    """`rows` in log order; `heads` the true tree heads after each entry."""

    rows: list[Row]
    notes: dict[int, str]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        return open_checkpoint(self.notes[len(self.rows) if size is None else size], keys(), f"checkpoint {size}")


class KnownLog:
    """The published log, held in memory."""

    def __init__(self, made: Evidence) -> None:
        self._bodies = [item.body for item in made.rows]
        self.size = len(self._bodies)

    def leaf(self, index: int) -> bytes:
        return merkle.leaf(self._bodies[index])

    def body(self, index: int) -> bytes | None:
        return self._bodies[index]

    def heads(self, sizes: Sequence[int]) -> Iterator[bytes]:
        for size in sizes:
            yield merkle.head([self.leaf(index) for index in range(size)])

    def find(self, leaf: bytes) -> int | None:
        return next((index for index in range(self.size) if self.leaf(index) == leaf), None)


def keys() -> list[Key]:
    return [Key.parse(SIGNER.vkey())]


def evidence(order: list[int], writers: int = 3) -> Evidence:
    """One event per item of `order`, which names its writer. Each writer begins with `lifecycle.start`."""
    heads = {number: Head(f"w{number}.{number:08x}", "gateway.test", epoch=1) for number in range(writers)}
    rows, notes, tree = [], {}, Tree()
    for index, number in enumerate(order):
        head = heads[number]
        heads[number], body = extend(head, fields(head, index))
        rows.append(row(index, body))
        tree.append(leaf_hash(body))
        notes[tree.size] = sign(checkpoint("gateway.test", tree.size, tree.root()), [SIGNER])
    return Evidence(rows, notes)


def fields(head: Head, index: int, text: str = "x"):
    """An event's fields; the first of an epoch names what came before it."""
    caller = Caller("issuer", "subject", "agent")
    draft = Draft(Kind.DECISION, "decision.allow", f"exchange-{index}", "session", "ledger", caller, {"text": text})
    if head.seq == 0:
        data = {"epoch": 1, "previous_seq": 0, "previous_head": head.hash.hex(), "previous_stopped": True}
        draft = Draft(Kind.LIFECYCLE, "lifecycle.start", data=data)
    return compose(draft, event_id=f"00000000-0000-7000-8000-{index:012d}", ts_us=1_000_000 + index, salts=[]).fields


def row(index: int, body: bytes) -> Row:
    read = json.loads(body)
    return Row(index, read["writer"], read["seq"], body, hashlib.sha256(body).digest())


def edited(original: Row, **changes) -> Row:
    """The row with its body changed and its hash made to fit, as one with database rights would."""
    body = json.loads(original.body) | changes
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return replace(original, body=text, hash=hashlib.sha256(text).digest())


def write_tiles(made: Evidence, root: Path, steps: int = 1) -> None:
    """Publishes the log under `root` in `steps` parts."""
    tree, writer = Tree(), TileWriter(root)
    size = max(1, len(made.rows) // steps)
    for start in range(0, len(made.rows), size):
        part = made.rows[start : start + size]
        levels: list[list[bytes]] = []
        for item in part:
            for level, completed in enumerate(tree.append(leaf_hash(item.body))):
                levels += [[] for _ in range(level == len(levels))]
                levels[level].append(completed)
        writer.extend(start, [item.body for item in part], levels)
    (root / "checkpoint").write_text(made.notes[len(made.rows)], "utf-8")
