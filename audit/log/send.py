"""From the published log into ClickHouse, batch by batch, acknowledged only after it was read back."""

from collections.abc import Sequence

from audit.log import batch as batches
from audit.log import metrics
from audit.log.batch import Loaded
from audit.log.cursor import Cursor
from audit.log.deliver import UNREADABLE, RefusesAll, deliver
from audit.log.rows import CheckpointRow
from audit.log.sequence import OVERSIZED
from audit.log.spools import Spools
from audit.log.target import Target, TargetAway
from audit.log.tiles import TileReader
from audit.write.event import Draft, Kind, Value
from runtime import log
from runtime.clock import Clock

MAX_EVENTS = 4096  # per batch: from 1,000 to 5,000 rows ClickHouse's cost per row stops falling
MIN_EVENTS = 64  # a store that is too slow for a batch gets half of it, down to this
MAX_BYTES = 8 << 20  # of bodies and frames per batch; well below the store's limit on a request
CHECKPOINT_EVERY_US = 10_000_000  # while events flow: each insert of one is a part that ClickHouse must merge
QUIET_US = 1_000_000  # with no events this long, the last checkpoint follows at once

logger = log.get("ship")


class Sender:
    def __init__(
        self, cursor: Cursor, spools: Spools, tiles: TileReader, target: Target, gateway: str, clock: Clock
    ) -> None:
        self._cursor, self._spools, self._tiles, self._target = cursor, spools, tiles, target
        self._gateway, self._clock = gateway, clock
        self._doubt_until = cursor.size()  # a process before this one may have sent any of these
        self._last_event_us = clock.monotonic_us()
        self._last_checkpoint_us = 0
        self._most = MAX_EVENTS

    def behind(self) -> int:
        """Published entries that ClickHouse does not have yet."""
        return self._cursor.size() - self._cursor.shipped()

    def measure(self) -> None:
        metrics.progress(self.behind(), self._cursor.quarantine_size())

    def step(self) -> tuple[int, list[Draft]]:
        """Ships one batch. Returns how many entries it had, and what must be told about it.

        Raises TargetAway: then nothing was acknowledged, and the next step tries the same again.
        """
        entries = batches.load(self._cursor.unshipped(self._most), self._spools, self._tiles, MAX_BYTES)
        drafts = self._ship(entries) if entries else []
        now = self._clock.monotonic_us()
        quiet = now - self._last_event_us >= QUIET_US
        if quiet or now - self._last_checkpoint_us >= CHECKPOINT_EVERY_US:
            self.ship_checkpoints()
        return len(entries), drafts

    def retry_quarantined(self) -> list[Draft]:
        """Offers ClickHouse once more what it refused. Raises TargetAway."""
        drafts = []
        for kept in self._cursor.quarantined():
            if kept.reason in (OVERSIZED, UNREADABLE):
                continue
            try:
                deliver(self._target, [batches.restored(kept)], doubt=True)
            except RefusesAll:
                continue
            self._cursor.release(kept.writer, kept.seq)
            drafts.append(_told("log.released", kept.writer, kept.seq, {}))
        return drafts

    def _ship(self, entries: Sequence[Loaded]) -> list[Draft]:
        end = entries[-1].place.log_index + 1
        try:
            delivery = deliver(self._target, entries, doubt=entries[0].place.log_index < self._doubt_until)
        except TargetAway:
            self._doubt_until = max(self._doubt_until, end)
            self._most = max(MIN_EVENTS, self._most // 2)
            raise
        self._most = min(MAX_EVENTS, self._most * 2)
        now = self._clock.now_us()
        refused = [batches.set_aside(event, reason, now) for event, reason in delivery.refused]
        self._cursor.ship(end, refused)
        self._last_event_us = self._clock.monotonic_us()
        told = [_told("log.quarantined", kept.writer, kept.seq, {"reason": kept.reason}) for kept in refused]
        return told + [_told("log.conflict", writer, seq, {}) for writer, seq in sorted(delivery.strange)]

    def ship_checkpoints(self) -> None:
        """Sends the checkpoints whose entries ClickHouse has. Raises TargetAway; a lost reply doubles a row at most,
        and equal checkpoints say the same."""
        published = self._cursor.checkpoints(self._cursor.shipped())
        if not published:
            return
        self._target.insert_checkpoints(
            [CheckpointRow(self._gateway, point.size, point.root, point.ts_us, point.note) for point in published]
        )
        self._cursor.forget_checkpoints(published[-1].size)
        self._last_checkpoint_us = self._clock.monotonic_us()


def _told(type_: str, writer: str, seq: int, more: dict[str, Value]) -> Draft:
    fields: dict[str, Value] = {"writer": writer, "seq": seq, **more}
    logger.error(type_.replace(".", "_"), extra={"fields": fields})
    return Draft(Kind.LIFECYCLE, type_, data=fields)
