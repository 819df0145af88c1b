"""Deciding cases with a policy repository that need not serve, for the terminal and the console."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from snapshot import bundle as bundles
from snapshot.cases import Case, differences
from snapshot.engine.process import Worker
from snapshot.rego_tests import decide
from snapshot.repository import Repository

TRY_SECONDS = 10.0  # a person waits


@dataclass(frozen=True, slots=True)
class Tried:
    """`why`: "" when it is as wanted, or when nothing was wanted."""

    description: str
    decision: dict[str, Any] | None
    why: str


async def try_cases(repository: Repository, cases: Sequence[Case]) -> list[Tried]:
    """Nothing is recorded and nothing takes effect. Raises RegoFailed when the policy does not load."""
    bundle = bundles.make(repository)
    async with Worker.running() as worker:
        await worker.load(bundle.modules, bundle.data, warm=[bundles.ENTRY])
        found = []
        for one in cases:
            decision, why = await decide(worker, one.input, bundle.digest, TRY_SECONDS)
            found.append(Tried(one.description, decision, why or "; ".join(differences(one, decision or {}))))
        return found
