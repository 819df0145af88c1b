"""A gateway's state folder with writers, the shipper's plain parts and a ClickHouse in lists; no processes, no loop."""

from pathlib import Path

from audit.log.cursor import Cursor
from audit.log.keys import log_signer
from audit.log.send import Sender
from audit.log.sequence import Sequencer
from audit.log.spools import Spools
from audit.log.target import MemoryTarget, Target
from audit.log.tiles import TileReader
from audit.verify import Report, Row, open_checkpoint, read_tiles, verify_rows
from audit.verify.notes import Key
from audit.write import tables
from audit.write.commit import Committer
from audit.write.event import Caller, Draft, Frame, Kind
from runtime.clock import FixedClock

GATEWAY = "gateway.test"


class House:
    def __init__(self, state: Path) -> None:
        self.state, self.clock, self.target = state, FixedClock(), MemoryTarget()
        self.signer = log_signer(state, GATEWAY)
        self.tiles = state / "log" / "tiles"
        self.spools = Spools(state)
        self._open: list[Committer | Cursor] = []

    def writer(self, role: str) -> Committer:
        cursor = self.state / "log" / "cursor.db"
        made = Committer(self.state / "spool" / f"{role}.db", role, GATEWAY, 1 << 26, 20, self.clock, cursor)
        made.open()
        self._open.append(made)
        return made

    def cursor(self) -> Cursor:
        made = Cursor(self.state / "log" / "cursor.db", GATEWAY)
        self._open.append(made)
        return made

    def sequencer(self) -> Sequencer:
        return Sequencer(self.cursor(), self.spools, self.tiles, [self.signer], self.clock)

    def sender(self, target: Target | None = None) -> Sender:
        return Sender(self.cursor(), self.spools, TileReader(self.tiles), target or self.target, GATEWAY, self.clock)

    def close(self) -> None:
        for made in self._open:
            made.close()

    def verify(self) -> Report:
        """What the target holds against tiles and checkpoints."""
        keys = [Key.parse(self.signer.vkey())]
        report = Report("target")
        log = read_tiles(self.tiles, keys, report)
        points = [open_checkpoint(row.note, keys, "stored") for row in self.target.checkpoint_rows]
        rows = [
            Row(row.log_index, row.writer, row.seq, row.body.encode(), row.hash)
            for row in sorted(self.target.event_rows, key=lambda row: row.log_index)
        ]
        report.merge(verify_rows(rows, points, log=log))
        return report


def say(writer: Committer, *texts: str, frame: bytes = b"") -> None:
    """Records one event per text, each a microsecond later than the one before."""
    for text in texts:
        writer.clock.advance(1)  # type: ignore[attr-defined]
        frames = (Frame(0, writer.clock.now_us(), "input", "text/plain", frame),) if frame else ()
        draft = Draft(Kind.DECISION, "decision.allow", caller=Caller("i", "s"), data={"text": text}, frames=frames)
        assert writer.commit([tables.entries_of([draft], writer.clock)]) == [None]


def texts(house: House) -> list[str]:
    """The `text` of stored events in log order; the type of those without one."""
    import json

    bodies = [json.loads(row.body) for row in sorted(house.target.event_rows, key=lambda row: row.log_index)]
    return [body["data"].get("text", body["type"]) for body in bodies]
