"""All standing grants that still matter, in memory. Pure; staged and settled together with the book that holds it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from approvals.facts import Ask, Vote, Voter, Wish
from approvals.machine import Approval
from approvals.revocations import Revocation, Traits
from approvals.standing import Fact, Given, Over, Phase, Reviewed, Revoked, Standing, Taken, fold, given, take


@dataclass(frozen=True, slots=True)
class Stand:
    """One fact of a standing grant, and the standing grant that it makes."""

    after: Standing
    fact: Fact


class Standings:
    def __init__(self, standings: Iterable[Standing] = ()) -> None:
        self._all = {standing.id: standing for standing in standings if standing.kept}
        self._staged: dict[str, Standing] = {}
        self._changes: list[Stand] = []

    def __contains__(self, standing_id: object) -> bool:
        return standing_id in self._all or standing_id in self._staged

    @property
    def changes(self) -> list[Stand]:
        """What is staged, in order."""
        return self._changes

    def kept(self) -> list[Standing]:
        """Settled ones that are active or owe a review, oldest first."""
        return [self._all[standing_id] for standing_id in sorted(self._all)]

    def get(self, standing_id: str) -> Standing | None:
        """As it will be after this group."""
        return self._staged.get(standing_id) or self._all.get(standing_id)

    def take(self, ask: Ask, at_us: int) -> Standing | None:
        """The one that says yes to this request, with the use staged; the one that ends first if several do."""
        alive = [self.get(standing_id) for standing_id in {**self._all, **self._staged}]
        covering = [standing for standing in alive if standing and standing.given.reach.covers(ask)]
        for standing in sorted(covering, key=lambda each: (each.given.until_us, each.id)):
            facts = take(standing, ask, at_us)
            self._stage(standing, facts)
            if any(isinstance(fact, Taken) for fact in facts):
                return self.get(standing.id)
        return None

    def give(
        self,
        new_id: str,
        at_us: int,
        approval: Approval,
        votes: Sequence[Vote],
        wish: Wish,
        *,
        alone: bool = False,
    ) -> Standing:
        """`alone`: break-glass, whose first use is the approval at hand. Raises TooWide."""
        made = given(new_id, at_us, approval, votes, wish, break_glass=alone)
        first = (Taken(2, at_us, approval.card.binding.exchange),) if alone else ()
        after = fold([made])
        self._put(after, made)
        self._stage(after, first)
        return self._staged[new_id]

    def tick(self, standing_id: str, at_us: int) -> None:
        standing = self.get(standing_id)
        if standing and standing.phase is Phase.ACTIVE and at_us >= standing.given.until_us:
            self._stage(standing, (Over(standing.facts + 1, at_us),))

    def revoke(self, standing_id: str, at_us: int, by: Voter, reason: str) -> Standing | None:
        """One that has ended stays as it is; None: there is none that matters."""
        standing = self.get(standing_id)
        if standing and standing.phase is Phase.ACTIVE:
            self._stage(standing, (Revoked(standing.facts + 1, at_us, by, reason),))
        return self.get(standing_id)

    def review(self, standing_id: str, at_us: int, by: Voter, words: str) -> Standing | None:
        """A second review changes nothing."""
        standing = self.get(standing_id)
        if standing and standing.owes_review:
            self._stage(standing, (Reviewed(standing.facts + 1, at_us, by, words),))
        return self.get(standing_id)

    def learn(self, standing_id: str, fact: Fact) -> Standing | None:
        """What another gateway has made durable; None: of one that matters to nobody any more."""
        before = self._all.get(standing_id)
        if before is None and not isinstance(fact, Given):
            return None
        after = fold([fact], before)
        self._staged[standing_id] = after
        self.settle()
        return after

    def end(self, hit: Callable[[Traits], Revocation | None], at_us: int) -> None:
        """An identity that is stopped keeps nothing that was granted in advance."""
        for standing_id in {**self._all, **self._staged}:
            standing = self.get(standing_id)
            revocation = hit(_traits(standing.given)) if standing else None
            if revocation is not None:
                by = revocation.made.by
                who = Voter(by.issuer, by.subject, by.email, ())
                self.revoke(standing_id, at_us, who, "the identity was revoked")

    def settle(self) -> list[Standing]:
        changed, self._staged, self._changes = list(self._staged.values()), {}, []
        for standing in changed:
            if standing.kept:
                self._all[standing.id] = standing
            else:
                self._all.pop(standing.id, None)
        return changed

    def drop(self) -> None:
        self._staged, self._changes = {}, []

    def _stage(self, standing: Standing, facts: Iterable[Fact]) -> None:
        for fact in facts:
            standing = fold([fact], standing)
            self._put(standing, fact)

    def _put(self, after: Standing, fact: Fact) -> None:
        self._staged[after.id] = after
        self._changes.append(Stand(after, fact))


def _traits(made: Given) -> Traits:
    """Of the identity; session and token are others by the next request."""
    return Traits(made.reach.issuer, made.reach.subject, made.reach.agent)
