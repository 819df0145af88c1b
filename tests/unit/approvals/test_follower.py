"""A follower's copy: complete at first, changed then, old when nothing is heard. (Its socket: component tests.)"""

from pathlib import Path

from approvals import approvals_pb2 as pb
from approvals import wire
from approvals.follower import SILENCE_US, Follower
from approvals.revocations import By, Lifted, Made, Revocation, Scope, Traits, apply, fold
from runtime.clock import FixedClock

BY = By("people", "rita", "")
TRAITS = Traits("issuer", "a-subject")


def made(revocation_id: str, value: str) -> Revocation:
    return fold([Made(1, 1, revocation_id, Scope.SUBJECT, value, "", "", BY)])


def change(*revocations: Revocation, complete: bool = False) -> pb.RevocationChange:
    return pb.RevocationChange(complete=complete, revocations=map(wire.revocation_to, revocations))


def test_it_hears_all_then_changes_and_tells_what_is_new() -> None:
    told: list[str] = []
    follower = Follower(Path("nowhere"), FixedClock(), lambda revocation: told.append(revocation.id))
    first, second = made("r1", "a-subject"), made("r2", "other")
    follower._hear(change(first, complete=True))
    assert follower.find(TRAITS) == first
    follower._hear(change(second))
    follower._hear(change(apply(first, Lifted(2, 2, "", BY))))
    assert follower.find(TRAITS) is None
    follower._hear(change(second, made("r3", "a-subject"), complete=True))
    assert follower.find(TRAITS) == made("r3", "a-subject"), "made while it was away"
    assert told == ["r1", "r2", "r3"]
    follower._hear(change(complete=True))
    assert follower.find(TRAITS) is None, "what is no longer told is no longer so"


def test_it_knows_how_old_its_copy_is() -> None:
    clock = FixedClock()
    follower = Follower(Path("nowhere"), clock)
    assert not follower.fresh, "nothing was heard yet"
    follower._hear(change(complete=True))
    clock.advance(SILENCE_US)
    assert follower.fresh
    clock.advance(1)
    assert not follower.fresh
    follower._hear(change())
    assert follower.fresh
