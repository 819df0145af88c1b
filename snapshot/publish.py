"""The publisher: the one process that turns a revision of the policy repository into the snapshot that decides.

A revision's way: seen to have changed and settled → read → validated, also by Envoy → written to
`<state_dir>/snapshots/<digest>/` → `snapshot.published` recorded → Envoy's files rendered → `current` moved.
A revision that fails on the way is recorded as `snapshot.refused` with file and line, and the one before it serves on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from audit.write import Draft, Kind, Recorder, Value
from runtime import log
from runtime.clock import Clock, SystemClock
from runtime.errors import GatewayError
from runtime.fileio import private_dir
from runtime.settings import Settings
from snapshot import addresses, layout, metrics, repository, signature
from snapshot.connections import Connection, parse_connections
from snapshot.engine.process import Worker
from snapshot.envoy import EnvoyRefused
from snapshot.located import Problem, RepositoryRefused
from snapshot.repository import CONNECTIONS, Repository
from snapshot.validate import Checked, SnapshotRefused, validate

SETTLE_SECONDS = 0.1  # a pull writes files one by one; half of one is nobody's revision
LOOK_UP_SECONDS = 30.0
MAX_PROBLEMS = 50  # in one event, each cut to MAX_TEXT characters: an event holds 60 kB
MAX_TEXT = 500
DAY_US = 86_400_000_000

logger = log.get("snapshot")


class Envoy(Protocol):
    """What the publisher needs of `snapshot.envoy`; the module itself has this shape."""

    def validate(self, settings: Settings, connections: Mapping[str, Connection]) -> None:
        """Raises EnvoyRefused with the binary's words."""
        ...

    def render(self, settings: Settings, connections: Mapping[str, Connection]) -> None: ...


class Publisher:
    def __init__(
        self,
        settings: Settings,
        recorder: Recorder,
        envoy: Envoy,
        clock: Clock | None = None,
        resolve: addresses.Resolve = addresses.resolve,
    ) -> None:
        self._settings = settings
        self._state = settings.gateway.state_dir
        self._recorder = recorder
        self._envoy = envoy
        self._clock = clock or SystemClock()
        self._seen: tuple[object, ...] | None = None
        self._resolve = resolve
        self._connections: Mapping[str, Connection] = {}
        self._withdrawn: Mapping[str, str] = {}
        self._looked_up = 0.0

    async def run(self) -> None:
        """Looks for a new revision until cancelled."""
        while True:
            try:
                await self.look()
                if asyncio.get_running_loop().time() - self._looked_up >= LOOK_UP_SECONDS:
                    await self.look_up()
            except (GatewayError, OSError) as error:  # ours, not the revision's: tried again
                fields = {"code": getattr(error, "code", "os_error"), "problem": str(error)}
                logger.error("publish_failed", extra={"fields": fields})
            await asyncio.sleep(self._settings.policy.poll_seconds)

    async def look(self) -> None:
        """One look at the directory; publishes or refuses what has changed since the last one."""
        stamp = repository.stamp(self._settings.policy.path)
        if stamp == self._seen:
            return
        await asyncio.sleep(SETTLE_SECONDS)
        if repository.stamp(self._settings.policy.path) != stamp:
            return
        commit = repository.commit(self._settings.policy.path)
        digest = ""
        try:
            revision = repository.read(self._settings.policy.path)
            digest = revision.digest
            signer = signature.check(self._settings.policy.path, revision, self._settings.policy.signers)
            await self._publish(await self._check(revision), commit, signer)
        except RepositoryRefused as error:
            await self._refuse(digest, commit, [error.problem])
        except SnapshotRefused as error:
            await self._refuse(digest, commit, error.problems)
        self._seen = stamp

    async def look_up(self) -> None:
        """Where the names of upstreams lead now; a connection that leads where it may not is closed until it does."""
        self._looked_up = asyncio.get_running_loop().time()
        now = await addresses.refused(self._connections.values(), self._resolve)
        if set(now) == set(self._withdrawn):
            return
        for name in sorted(set(now) - set(self._withdrawn)):
            logger.error("connection_withdrawn", extra={"fields": {"problem": now[name]}})
        data: dict[str, Value] = {"withdrawn": sorted(now), "problems": [now[name][:MAX_TEXT] for name in sorted(now)]}
        await self._recorder.record(Draft(Kind.CONFIG, "connections.withdrawn", data=data))
        self._withdrawn = now
        open_ones = {name: found for name, found in self._connections.items() if name not in now}
        self._envoy.render(self._settings, open_ones)

    def restore(self) -> None:
        """At start: Envoy's files for what `current` names, if the settings still go with it. Raises Error."""
        try:
            digest = layout.current(self._state)
        except layout.NoSnapshot:
            return
        text = layout.read_source(layout.folder(self._state, digest)).text(CONNECTIONS)
        self._connections = parse_connections(text, CONNECTIONS, self._settings.secrets)
        self._envoy.render(self._settings, self._connections)

    async def _check(self, revision: Repository) -> Checked:
        async with Worker.running() as worker:
            deadline_s = self._settings.engine.deadline_ms / 1000
            checked = await validate(revision, worker, self._settings.secrets, deadline_s=deadline_s)
        checked.require()
        astray = await addresses.refused(checked.connections.values(), self._resolve)
        if astray:
            found = [Problem(CONNECTIONS, checked.connections[name].line, why) for name, why in astray.items()]
            raise SnapshotRefused(found)
        try:
            await asyncio.to_thread(self._envoy.validate, self._settings, checked.connections)
        except EnvoyRefused as error:
            raise SnapshotRefused([Problem(CONNECTIONS, 0, error.message)]) from None
        return checked

    async def _publish(self, checked: Checked, commit: str, signer: str) -> None:
        revision = checked.repository
        previous = _current(self._state)
        private_dir(self._state)
        layout.write(self._state, revision, commit)
        if revision.digest != previous:
            await self._recorder.record(
                Draft(Kind.CONFIG, "snapshot.published", data=_facts(checked, previous, commit, signer))
            )
        self._connections, self._withdrawn = checked.connections, {}
        self._envoy.render(self._settings, checked.connections)
        layout.move_current(self._state, revision.digest)
        metrics.PUBLISHED.set_to_current_time()
        metrics.REFUSED.set(0)
        fields = {"snapshot": revision.digest, "commit": commit, "tests": len(checked.tests)}
        logger.info("snapshot_published", extra={"fields": fields})
        for note in checked.notes:
            logger.warning("snapshot_note", extra={"fields": {"note": str(note)}})
        await self._forget()

    async def _forget(self) -> None:
        """Snapshots that stopped deciding `policy.keep_days` ago; recorded before they go."""
        keep_us = self._settings.policy.keep_days * DAY_US
        old = layout.retired(self._state, self._clock.now_us() - keep_us)
        if old:
            data: dict[str, Value] = {"snapshots": [*old], "keep_days": self._settings.policy.keep_days}
            await self._recorder.record(Draft(Kind.CONFIG, "snapshot.removed", data=data))
            layout.remove(self._state, old)

    async def _refuse(self, digest: str, commit: str, problems: Sequence[Problem]) -> None:
        metrics.REFUSED.set(1)
        serving = _current(self._state)
        data: dict[str, Value] = {
            "snapshot": digest,
            "commit": commit,
            "serving": serving,
            "count": len(problems),
            "problems": [str(problem)[:MAX_TEXT] for problem in problems[:MAX_PROBLEMS]],
        }
        await self._recorder.record(Draft(Kind.CONFIG, "snapshot.refused", data=data))
        for problem in problems[:MAX_PROBLEMS]:
            logger.error("snapshot_refused", extra={"fields": {"problem": str(problem), "serving": serving}})


def _current(state_dir: Path) -> str:
    try:
        return layout.current(state_dir)
    except layout.NoSnapshot:
        return ""


def _facts(checked: Checked, previous: str, commit: str, signer: str) -> dict[str, Value]:
    return {
        "snapshot": checked.repository.digest,
        "previous": previous,
        "commit": commit,
        "signer": signer,
        "files": len(checked.repository.files),
        "tests": len(checked.tests),
        "connections": sorted(checked.connections),
    }
