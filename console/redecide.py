"""Deciding a recorded input once more, and saying in one sentence how that compares with the record.

The running engine is asked first, over OPA's REST API. It holds the newest snapshot; when the record names another
one that is still in the state folder, the embedded engine's worker decides under exactly that one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from runtime.errors import Error
from runtime.settings import Settings
from snapshot import bundle
from snapshot.decision import Decision, parse
from snapshot.engine.process import Worker
from snapshot.reading import readings

How = Literal["same", "different", "other_snapshot", "unreachable", "undecidable"]
WORKER_SECONDS = 10.0  # a person waits


@dataclass(frozen=True, slots=True)
class Again:
    """`how` for programs, `sentence` for people."""

    how: How
    sentence: str
    effect: str = ""
    rules: tuple[str, ...] = ()
    snapshot: str = ""
    read: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by rule: what it read, and its value

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("how", "sentence", "effect", "rules", "snapshot", "read")}


async def decide_again(settings: Settings, recorded: dict[str, Any], value: dict[str, Any]) -> Again:
    """Never raises for what an engine does."""
    if not recorded["snapshot"]:
        return Again("undecidable", "it was refused before the policy was asked")
    try:
        now = compare(recorded, await _running_engine(settings, value), f"the engine at {settings.engine.url}")
    except Error as error:
        now = Again("unreachable", f"the engine at {settings.engine.url} did not decide: {error.message}")
    try:
        decision, read = await _under(settings.gateway.state_dir, recorded["snapshot"], value)
    except Error:
        return now  # the snapshot is gone, or this machine has no embedded engine: what the running one says is all
    if now.how not in ("same", "different"):
        now = compare(recorded, decision, "the recorded snapshot")
    return replace(now, read=read)


async def _running_engine(settings: Settings, value: dict[str, Any]) -> Decision:
    from snapshot.engine_client import OpaEngine  # an HTTP client: only who explains pays for it

    async with OpaEngine(settings.engine.url, settings.engine.deadline_ms, server=settings.engine) as engine:
        return await engine.decide(value)


async def _under(state_dir: Path, digest: str, value: dict[str, Any]) -> tuple[Decision, dict[str, dict[str, str]]]:
    """Raises BundleMissing, LibraryMissing, WorkerSlow, WorkerDied, RegoFailed, MalformedDecision."""
    folder = state_dir / "snapshots" / digest.removeprefix("sha256:") / "bundle"
    loaded = bundle.read(folder)
    async with Worker.running() as worker:
        await worker.load(loaded.modules, loaded.data, warm=[bundle.ENTRY])
        body = json.dumps({"input": value}).encode()
        answer = await worker.evaluate(bundle.ENTRY, body, seconds=WORKER_SECONDS, trace=True)
    decision = parse(answer.value)
    rules = [reason.rule for reason in decision.reasons]
    return decision, readings(answer.trace or [], loaded.modules, rules, value, loaded.data)


def compare(recorded: dict[str, Any], decision: Decision, who: str) -> Again:
    """Pure. `recorded` is a row of audit.decisions."""
    effect, rules = str(decision.effect), tuple(reason.rule for reason in decision.reasons)
    same = effect == recorded["effect"] and list(rules) == list(recorded["rules"])
    told = f"{effect} ({', '.join(rules)})"
    how: How
    if decision.snapshot != recorded["snapshot"]:
        how = "other_snapshot"
        verdict = "the same" if same else "otherwise"
        said = f"{who} now has snapshot {decision.snapshot[:19]}… and decides {verdict} under it: {told}"
    elif same:
        how, said = "same", f"{who} decides the same again: {told}"
    else:
        how, said = "different", f"{who} DECIDES OTHERWISE UNDER THE SAME SNAPSHOT: {told}"
    return Again(how, said, effect, rules, decision.snapshot)
