"""The shipper as a process: two loops over plain objects, one that never waits for ClickHouse and one that does."""

import asyncio
import random
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from audit.log import metrics
from audit.log.access_log import LogRotation, removed
from audit.log.boxes import BoxAway
from audit.log.clickhouse import ClickHouseTarget
from audit.log.cursor import Cursor
from audit.log.keys import changing, end_change, log_signers
from audit.log.note import handover
from audit.log.offbox import Keeper, boxes
from audit.log.send import Sender
from audit.log.sequence import Sequencer, read_checkpoint
from audit.log.spools import MAX_ROWS, Spools
from audit.log.target import Target, TargetAway
from audit.log.tiles import TileReader
from audit.log.watch import EnvoyWatch, uptime
from audit.write import Draft, Kind, Spool, Value, open_spool
from runtime import log, serve
from runtime.clock import Clock, SystemClock
from runtime.errors import GatewayError
from runtime.health import http_ask
from runtime.settings import Settings

LOOK_SECONDS = 0.2  # between looks at the spools while nothing comes
GATHER_SECONDS = 1.0  # after a checkpoint: each one costs about ten fsyncs, whatever it covers
BACKOFF_SECONDS = (0.5, 30.0)  # first and longest pause while ClickHouse is away
RETRY_QUARANTINE_SECONDS = 3600.0
WATCH_SECONDS = 2.0  # between looks at Envoy
DRAIN_SECONDS = 5.0  # for what the others recorded while they stopped

Result = TypeVar("Result")

logger = log.get("ship")


class ShipperBroken(GatewayError):
    """Disk or database of the log fail. The supervisor starts the shipper again."""

    code = "shipper_broken"


@dataclass(frozen=True, slots=True)
class Shipper:
    """All that one gateway's shipper needs; `open_shipper` makes it."""

    sequencer: Sequencer
    sender: Sender
    spool: Spool  # the shipper is a writer too: it records what it finds
    clock: Clock
    settings: Settings

    @property
    def tiles(self) -> Path:
        return self.settings.gateway.state_dir / "log" / "tiles"


def open_shipper(settings: Settings, target: Target, clock: Clock) -> Shipper:
    """Raises WrongLog, LogStateLost or LogKeyUnusable rather than going on with another history."""
    state, gateway = settings.gateway.state_dir, settings.gateway.id
    signers = log_signers(state, gateway)
    path, tiles = state / "log" / "cursor.db", state / "log" / "tiles"
    spools = Spools(state)
    sequencer = Sequencer(Cursor(path, gateway), spools, tiles, signers[:1], clock)
    sender = Sender(Cursor(path, gateway), spools, TileReader(tiles), target, gateway, clock)
    return Shipper(sequencer, sender, open_spool(settings, "ship", clock), clock, settings)


async def ship(settings: Settings, target: ClickHouseTarget, stop: asyncio.Event) -> None:
    """Runs until `stop`, then drains for a few seconds. Raises SpoolLocked if another shipper runs."""
    shipper = open_shipper(settings, target, SystemClock())
    try:
        async with shipper.spool, asyncio.TaskGroup() as group:
            group.create_task(_sequence(shipper, stop))
            group.create_task(_send(shipper, stop))
            group.create_task(_watch_envoy(shipper, stop))
            group.create_task(_rotate_log(shipper, stop))
            group.create_task(_keep_elsewhere(shipper, stop))
        await _drain(shipper)
    except* GatewayError as errors:
        raise _first(errors) from None
    finally:
        target.close()


async def _blocking(step: Callable[[], Result]) -> Result:
    """Runs a step in a thread. A failing disk or a damaged file ends the process: it starts again from what is
    durable."""
    try:
        return await asyncio.to_thread(step)
    except (sqlite3.Error, OSError, ValueError, LookupError) as error:
        raise ShipperBroken(f"the log's files fail: {type(error).__name__}") from None


async def _sequence(shipper: Shipper, stop: asyncio.Event) -> None:
    while not stop.is_set():
        before = shipper.sequencer.size
        if changing(shipper.settings.gateway.state_dir):
            await _change_key(shipper)
        await _tell(shipper, await _blocking(shipper.sequencer.step))
        grown = shipper.sequencer.size - before
        if grown < MAX_ROWS:
            await serve.pause(stop, GATHER_SECONDS if grown else LOOK_SECONDS)


async def _change_key(shipper: Shipper) -> None:
    """The old key signs that the new one takes its place; then the new one signs alone."""
    gateway = shipper.settings.gateway
    signers = await _blocking(lambda: log_signers(gateway.state_dir, gateway.id))
    old, new = signers
    shipper.sequencer.sign_with(signers)
    facts: dict[str, Value] = {"old": old.vkey(), "new": new.vkey(), "note": handover(old, new)}
    told = Draft(Kind.CONFIG, "log.key_rotated", data=facts)
    try:
        await shipper.spool.record(told)
    except GatewayError as error:
        logger.error("key_not_rotated", extra={"fields": {"code": error.code}})
        return
    before = -1
    while shipper.sequencer.size > before:  # until the event itself is under a checkpoint of both
        before = shipper.sequencer.size
        await _tell(shipper, await _blocking(shipper.sequencer.step))
    shipper.sequencer.sign_with([await _blocking(lambda: end_change(gateway.state_dir, gateway.id))])
    logger.warning("key_rotated", extra={"fields": {"key": new.key_id.hex()}})


async def _send(shipper: Shipper, stop: asyncio.Event) -> None:
    away = Away()
    retry_at = 0.0
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        try:
            if loop.time() >= retry_at:
                await _tell(shipper, await _blocking(shipper.sender.retry_quarantined))
                retry_at = loop.time() + RETRY_QUARANTINE_SECONDS
            count, drafts = await _blocking(shipper.sender.step)
        except TargetAway as error:
            shipper.sender.measure()
            metrics.AWAY.set(1)
            await _tell(shipper, away.failed(error))
            await serve.pause(stop, away.pause())
            continue
        shipper.sender.measure()
        await _tell(shipper, drafts + away.worked(shipper.sender.behind()))
        if not count:
            await serve.pause(stop, LOOK_SECONDS)


async def _watch_envoy(shipper: Shipper, stop: asyncio.Event) -> None:
    """Envoy cannot say that it died; who reads its access log must know when lines can be missing."""
    watch = EnvoyWatch()
    while not stop.is_set():
        status, body = await http_ask(shipper.settings.socket("envoy-admin"), "/server_info")
        await _tell(shipper, watch.seen(shipper.clock.now_us(), uptime(body) if status == 200 else None))
        await serve.pause(stop, WATCH_SECONDS)


async def _rotate_log(shipper: Shipper, stop: asyncio.Event) -> None:
    """Nothing of the access log goes before the record says so."""
    envoy, admin = shipper.settings.envoy, shipper.settings.socket("envoy-admin")
    rotation = LogRotation(shipper.settings.gateway.run_dir, envoy.log_bytes, envoy.log_files, shipper.clock)
    while not stop.is_set():
        try:
            if await asyncio.to_thread(rotation.due):
                await http_ask(admin, "/reopen_logs", "POST")
            closed = await asyncio.to_thread(rotation.closed)
            if closed is not None and await _tell(shipper, [closed]):
                rotation.name(closed)
            for file in rotation.surplus():
                if await _tell(shipper, [removed(file)]):
                    file.unlink()
        except OSError as error:  # the second witness grows; the first goes on
            logger.error("log_not_rotated", extra={"fields": {"error": type(error).__name__}})
        await serve.pause(stop, WATCH_SECONDS)


async def _keep_elsewhere(shipper: Shipper, stop: asyncio.Event) -> None:
    """The newest checkpoint to every target, each at its own pace."""
    targets = shipper.settings.checkpoint_targets
    if not targets:
        return
    said = False
    while not stop.is_set():
        try:
            opened = await _blocking(lambda: boxes(shipper.settings, shipper.clock))
        except BoxAway as error:  # its key file is not there yet
            data: dict[str, Value] = {"target": "", "size": 0, "message": error.message}
            await _tell(shipper, [] if said else [Draft(Kind.LIFECYCLE, f"log.{error.code}", data=data)])
            said = True
            await serve.pause(stop, BACKOFF_SECONDS[1])
            continue
        async with asyncio.TaskGroup() as group:
            for target, box in opened:
                keeper = Keeper(box, shipper.settings.gateway.id, lambda: _newest(shipper.tiles))
                group.create_task(_keep(shipper, keeper, target.every_seconds, stop))


async def _keep(shipper: Shipper, keeper: Keeper, seconds: float, stop: asyncio.Event) -> None:
    while True:
        stopping = stop.is_set()  # once more at the end: the last checkpoint of this run
        told = await _blocking(keeper.step)
        await _tell(shipper, [Draft(Kind.LIFECYCLE, type_, data=data) for type_, data in told])
        if stopping:
            return
        await serve.pause(stop, seconds)


def _newest(tiles: Path) -> tuple[int, bytes] | None:
    signed = read_checkpoint(tiles)
    return (signed.size, signed.note.encode()) if signed else None


def _first(errors: BaseExceptionGroup[GatewayError]) -> GatewayError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


class Away:
    """Backoff while ClickHouse is away, and what is told about it: once when it goes, once when it is back."""

    def __init__(self) -> None:
        self._failures = 0

    def failed(self, error: TargetAway) -> list[Draft]:
        self._failures += 1
        logger.warning("store_away", extra={"fields": {"code": error.code, "failures": self._failures}})
        if self._failures > 1:
            return []
        return [Draft(Kind.LIFECYCLE, "log.store_away", data={"code": error.code, "message": error.message})]

    def pause(self) -> float:
        """Seconds; doubles, with a third of chance in it so that shippers of many gateways do not march in step."""
        first, longest = BACKOFF_SECONDS
        seconds: float = min(longest, first * 2 ** min(self._failures - 1, 16))
        return seconds * random.uniform(0.67, 1.0)  # noqa: S311 - no secret

    def worked(self, behind: int) -> list[Draft]:
        if not self._failures:
            return []
        failures, self._failures = self._failures, 0
        return [Draft(Kind.LIFECYCLE, "log.store_back", data={"failures": failures, "behind": behind})]


async def _tell(shipper: Shipper, drafts: Sequence[Draft]) -> bool:
    """Records what the shipper found. Its own spool being full or down must not stop it from emptying the others:
    then False."""
    if not drafts:
        return True
    try:
        await shipper.spool.record(*drafts)
    except GatewayError as error:
        fields = {"code": error.code, "types": [draft.type for draft in drafts]}
        logger.error("not_recorded", extra={"fields": fields})
        return False
    return True


async def _drain(shipper: Shipper) -> None:
    """The last events of those who stopped before us, our own included."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            before = -1
            while shipper.sequencer.size > before:
                before = shipper.sequencer.size
                await _blocking(shipper.sequencer.step)
            while (await _blocking(shipper.sender.step))[0]:
                pass
            await _blocking(shipper.sender.ship_checkpoints)
    except (TimeoutError, TargetAway):
        logger.warning("not_drained", extra={"fields": {"behind": shipper.sender.behind()}})
