"""An approver's words are masked by the snapshot in force, or not stored at all."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from approvals.errors import NotAllowed
from approvals.floor import Floor
from masking import Blocked, Keys
from snapshot.current import Snapshot
from snapshot.layout import NoSnapshot
from tests.kit.masks import PlainMasker

KEYS = Keys(bytes(32), bytes(64))


@dataclass
class Rules:
    """The fake of a ruleset: counts how often a masker is made."""

    masker_: Any = field(default_factory=PlainMasker)
    made: int = 0

    def masker(self, profiles: list[str], *, keys: Keys) -> Any:
        assert (profiles, keys) == (["floor"], KEYS)
        self.made += 1
        return self.masker_


def floor(rules: Rules, digest: str = "sha256:1") -> tuple[Floor, list[Snapshot]]:
    snapshots = [Snapshot(digest, {}, rules, {})]  # type: ignore[arg-type]
    return Floor(lambda: snapshots[-1], lambda: KEYS, "floor"), snapshots


def test_words_are_masked_with_a_masker_made_once_a_snapshot() -> None:
    rules = Rules()
    masked, snapshots = floor(rules)
    assert [masked("a SECRET"), masked("plain")] == ["a [MASKED]", "plain"]
    assert rules.made == 1
    snapshots.append(Snapshot("sha256:2", {}, rules, {}))  # type: ignore[arg-type]
    masked("x")
    assert rules.made == 2


def test_without_a_snapshot_only_silence_passes() -> None:
    def none() -> Snapshot:
        raise NoSnapshot()

    masked = Floor(none, lambda: KEYS, "floor")
    assert masked("") == ""
    with pytest.raises(NoSnapshot):
        masked("words")


def test_words_that_a_rule_blocks() -> None:
    class Blocks:
        def text(self, text: str) -> Any:
            raise Blocked("launch_code")

    masked, _ = floor(Rules(Blocks()))
    with pytest.raises(NotAllowed, match="launch_code"):
        masked("the code is 0000")


def test_it_is_prepared_before_the_first_words() -> None:
    rules = Rules()
    masked, _ = floor(rules)
    masked.prepare()
    masked("x")
    assert rules.made == 1

    def none() -> Snapshot:
        raise NoSnapshot()

    Floor(none, lambda: KEYS, "floor").prepare()
