"""From spools to a signed log: order, tiles, checkpoint. Never waits for ClickHouse.

One step: read what is new in every spool → fix its order (durable) → write tiles → sign and publish the checkpoint →
note that it is published. A crash anywhere in between repeats the step with the order that was fixed; that is why no
two trees of one size are ever signed.
"""

import base64
import hashlib
import heapq
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.log.cursor import Cursor, Placed, Published, Quarantined
from audit.log.note import Signer, checkpoint, sign
from audit.log.rebuild import NotRebuilt, rebuild
from audit.log.spools import OpenSpools, Spooled, Spools, beyond_repair, spans
from audit.log.tiles import MAX_ENTRY, TileWriter
from audit.log.tree import Tree, leaf_hash
from audit.write.chain import GENESIS
from audit.write.event import Draft, Kind, Value
from runtime import log
from runtime.clock import Clock
from runtime.errors import GatewayError
from runtime.fileio import atomic_symlink, atomic_write, private_dir

CHECKPOINT = "checkpoint"
OVERSIZED = "oversized"  # quarantine reason: no entry bundle can hold it

logger = log.get("ship")


class LogStateLost(GatewayError):
    """The cursor database is not the one that the published checkpoint was signed from, and cannot be made anew.
    Going on would sign a second, different history."""

    code = "log_state_lost"


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a spool contradicts what was read from it before."""

    writer: str
    seq: int
    what: str


class Sequencer:
    def __init__(self, cursor: Cursor, spools: Spools, root: Path, signers: Sequence[Signer], clock: Clock) -> None:
        """`root`: the folder that holds `checkpoint` and `tile/`. Raises LogStateLost."""
        self._cursor, self._spools, self._root, self._clock = cursor, spools, private_dir(root), clock
        self._signers, self._origin = signers, signers[0].name
        self._tiles = TileWriter(root)
        self._tree, self._positions = cursor.tree(), cursor.positions()
        self._told: set[Break] = set()
        self._check_published()
        atomic_symlink(root.parent / CHECKPOINT, f"{root.name}/{CHECKPOINT}")

    @property
    def size(self) -> int:
        return self._tree.size

    def sign_with(self, signers: Sequence[Signer]) -> None:
        """From the next checkpoint on."""
        self._signers = signers

    def step(self) -> list[Draft]:
        """Takes what the spools have, up to one look's worth. Returns what must be told about it."""
        with self._spools.open() as spools:
            planned = self._cursor.planned()
            if planned:
                return self._resume(planned, spools)
            fresh, breaks = self._fresh(spools)
        if fresh:
            planned = self._plan(fresh)
            self._cursor.plan(planned)
            self._publish(planned, [event.body for event in fresh])
        return self._tell(breaks)

    def _fresh(self, spools: OpenSpools) -> tuple[list[Spooled], list[Break]]:
        """New events in the order of their times, each writer's in its own order."""
        queues: list[list[Spooled]] = []
        breaks: list[Break] = []
        for writer, spool in spools.items():
            seq, head = self._positions.get(writer, (0, GENESIS))
            try:
                last, events = spool.last(), spool.after(seq)
            except sqlite3.Error as error:  # one damaged spool must not keep the others waiting
                breaks += [Break(writer, seq + 1, "the spool cannot be read")] * beyond_repair(error)
                continue
            if last < seq:
                breaks.append(Break(writer, seq, "the spool was put back to an earlier state"))
            breaks += broken(events, seq, head)
            queues.append([event for event in events if len(event.body) <= MAX_ENTRY])
            self._set_aside([event for event in events if len(event.body) > MAX_ENTRY])
        return list(heapq.merge(*queues, key=lambda event: event.ts_us)), breaks

    def _set_aside(self, oversized: Sequence[Spooled]) -> None:
        """No writer of ours makes them; kept, so that nobody can make an event vanish by blowing it up."""
        for event in oversized:
            kept = Quarantined(event.writer, event.seq, -1, OVERSIZED, self._clock.now_us(), event.body, "[]")
            self._cursor.set_aside(kept)

    def _plan(self, events: Sequence[Spooled]) -> list[Placed]:
        return [
            Placed(index, event.writer, event.seq, leaf_hash(event.body), hashlib.sha256(event.body).digest())
            for index, event in enumerate(events, self._tree.size)
        ]

    def _resume(self, planned: list[Placed], spools: OpenSpools) -> list[Draft]:
        """Repeats the step that a crash interrupted."""
        bodies = _bodies(planned, spools)
        if bodies is not None:
            self._publish(planned, bodies)
            return []
        if spools.busy:
            return []
        signed = read_checkpoint(self._root)
        if signed is not None and signed.size > self._tree.size:
            self._note(planned, signed.note)  # tiles and checkpoint were complete; only our own note is missing
            return []
        self._cursor.plan([])  # this order was never signed, and a spool that it names is gone: begin anew
        return self._tell(
            [Break(planned[0].writer, planned[0].seq, "the spool was lost before its events were signed")]
        )

    def _publish(self, planned: Sequence[Placed], bodies: Sequence[bytes]) -> None:
        """Tiles first, then the checkpoint over them."""
        tree = Tree(self._tree.size, self._tree.edge)
        levels: list[list[bytes]] = []
        for entry in planned:
            for level, completed in enumerate(tree.append(entry.leaf)):
                if level == len(levels):
                    levels.append([])
                levels[level].append(completed)
        self._tiles.extend(self._tree.size, bodies, levels)
        note = sign(checkpoint(self._origin, tree.size, tree.root()), self._signers)
        atomic_write(self._root / CHECKPOINT, note.encode())
        self._note(planned, note, tree)

    def _note(self, planned: Sequence[Placed], note: str, tree: Tree | None = None) -> None:
        """Keeps that the plan is published under the checkpoint `note`. `tree`: over the plan, if it is known."""
        if tree is None:
            tree = Tree(self._tree.size, self._tree.edge)
            for entry in planned:
                tree.append(entry.leaf)
        heads = {entry.writer: (entry.seq, entry.hash) for entry in planned}
        self._cursor.publish(tree, heads, Published(tree.size, tree.root(), self._clock.now_us(), note))
        self._tree, self._positions = tree, {**self._positions, **heads}

    def _check_published(self) -> None:
        """What was signed must be what we remember, or what we were about to sign; else what we remember is old, and
        is made anew from what was signed."""
        signed = read_checkpoint(self._root)
        if signed is None or signed.size < self._tree.size:
            return
        planned = self._cursor.planned()
        expected = Tree(self._tree.size, self._tree.edge)
        if signed.size == self._tree.size + len(planned):
            for entry in planned:
                expected.append(entry.leaf)
        if (signed.size, signed.root) == (self._tree.size, self._tree.root()):
            return
        if (signed.size, signed.root) == (expected.size, expected.root()):
            return
        self._rebuild(signed)

    def _rebuild(self, signed: "Signed") -> None:
        if signed.size == self._tree.size:
            raise LogStateLost(f"{self._root / CHECKPOINT} signed another history than log/cursor.db remembers")
        try:
            again = rebuild(self._cursor, self._spools, self._root, signed.size, signed.root)
        except NotRebuilt as error:
            raise LogStateLost(
                f"{self._root / CHECKPOINT} has {signed.size} entries, log/cursor.db remembers {self._tree.size},"
                f" and it cannot be made anew: {error}. Restore the newest copy of the log folder"
            ) from None
        logger.warning("log_rebuilt", extra={"fields": {"size": signed.size, "again": again}})
        self._tree, self._positions = self._cursor.tree(), self._cursor.positions()

    def _tell(self, breaks: Sequence[Break]) -> list[Draft]:
        new = [found for found in breaks if found not in self._told]
        self._told.update(new)
        return [_draft(found) for found in new]


@dataclass(frozen=True, slots=True)
class Signed:
    size: int
    root: bytes
    note: str


def read_checkpoint(root: Path) -> Signed | None:
    """Our own checkpoint file, None if there is none yet. Raises LogStateLost if it is no checkpoint."""
    try:
        note = (root / CHECKPOINT).read_text("utf-8")
        _, size, encoded = note.split("\n")[:3]
        return Signed(int(size), base64.b64decode(encoded, validate=True), note)
    except FileNotFoundError:
        return None
    except ValueError:
        raise LogStateLost(f"{root / CHECKPOINT} is not a checkpoint") from None


def broken(events: Sequence[Spooled], seq: int, head: bytes) -> list[Break]:
    """Where the events after (`seq`, `head`) do not continue the chain. They are signed and shipped all the same:
    what is wrong stays to be seen, and `verify` names it."""
    found = []
    for event in events:
        actual = hashlib.sha256(event.body).digest()
        if event.seq != seq + 1:
            found.append(Break(event.writer, event.seq, "events before it are missing"))
        elif actual != event.hash:
            found.append(Break(event.writer, event.seq, "its body is not what its hash says"))
        elif b'"prev":"' + head.hex().encode() + b'"' not in event.body:
            found.append(Break(event.writer, event.seq, "it does not name the event before it"))
        seq, head = event.seq, actual
    return found


def _bodies(planned: Sequence[Placed], spools: OpenSpools) -> list[bytes] | None:
    """The bodies of planned entries, None if one of them cannot be found as it was."""
    found: dict[str, dict[int, Spooled]] = {}
    for writer, (first, last) in spans([(entry.writer, entry.seq) for entry in planned]).items():
        if writer not in spools:
            return None
        found[writer] = spools[writer].events(first, last)
    bodies = []
    for entry in planned:
        event = found[entry.writer].get(entry.seq)
        if event is None or leaf_hash(event.body) != entry.leaf:
            return None
        bodies.append(event.body)
    return bodies


def _draft(found: Break) -> Draft:
    logger.error("chain_broken", extra={"fields": {"writer": found.writer, "seq": found.seq, "what": found.what}})
    data: dict[str, Value] = {"writer": found.writer, "seq": found.seq, "what": found.what}
    return Draft(Kind.LIFECYCLE, "log.chain_broken", data=data)
