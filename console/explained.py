"""Why an exchange was decided as it was, with the recorded input: for the terminal, the console and its API."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from audit.read import Reader, decisions
from console.redecide import Again, decide_again
from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Explained:
    """`input` is None when it was pruned or never recorded, `matches` then too: whether it has the recorded hash."""

    decision: dict[str, Any]
    content: bytes
    input: dict[str, Any] | None
    matches: bool | None
    approvals: list[dict[str, Any]]
    shadow: dict[str, Any] | None = None  # {effect, reasons} if nothing only watched

    def as_dict(self, again: Again | None) -> dict[str, Any]:
        findings = [json.loads(finding) for finding in self.decision["findings"]]
        told = {"findings": findings, "input": self.input, "input_matches_hash": self.matches}
        told |= {"approvals": self.approvals, "shadow": self.shadow}
        return self.decision | told | {"again": again.as_dict() if again else None}


def gather(asking: Reader, exchange: str) -> Explained:
    """`exchange`: an id, or its beginning. Raises NothingFound."""
    decision = decisions.one(asking, exchange)
    content = decisions.recorded_input(asking, decision)
    matches = hashlib.sha256(content).hexdigest() == decision["input_hash"] if content else None
    steps = decisions.approval_steps(asking, decision["exchange"])
    shadow = decisions.shadow(asking, decision)
    return Explained(decision, content, decisions.as_input(content), matches, steps, shadow)


async def again(settings: Settings, explained: Explained) -> Again | None:
    """The same input decided once more; nothing is recorded and nothing takes effect."""
    if explained.input is None:
        return None
    return await decide_again(settings, explained.decision, explained.input)
