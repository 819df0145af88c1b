"""All that is open, in memory. Pure: the writer brings the time and tells whether the disk took it.

Steps are staged first; `settle` makes them true after the commit, `drop` forgets them when it failed. Staged approvals
are what later steps of the same group see, so that a group of steps equals the same steps one by one.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from approvals import machine
from approvals.asks import checked
from approvals.authenticators import Authenticator, Authenticators, Enrolment
from approvals.errors import Revoked, TooManyWaiting
from approvals.evidence import Change, Notice
from approvals.facts import Ask, Card, Granted, State, Vote, Wish
from approvals.machine import Approval
from approvals.revocations import By, Lifted, Made, Revocation, Revocations, Traits
from approvals.revocations import fold as revoked
from approvals.rows import Entry
from approvals.standing import Standing, given, wished
from approvals.standings import Stand, Standings
from approvals.steps import Grant, Refuse, Return, Revoke, Step, Tick, Why


def first(listed: Sequence[Approval], most: int) -> list[Approval]:
    """Of what waits, `most` that end first, and of the rest the `most` that changed last, in their order; 0: all.

    So many are enough for any screen, and ten thousand of them take long to say.
    """
    if not most or len(listed) <= most:
        return list(listed)
    waiting = sorted((each for each in listed if each.state is State.REQUESTED), key=lambda each: each.expires_us)
    others = sorted((each for each in listed if each.state is not State.REQUESTED), key=lambda each: -each.changed_us)
    chosen = {each.id for each in (*waiting[:most], *others[:most])}
    return [each for each in listed if each.id in chosen]


class Learned(NamedTuple):
    """What others did made these, as they are now."""

    approvals: list[Approval]
    revocations: list[Revocation]
    standings: list[Standing]
    hit: bool = False  # a revocation may hit what is open: `enforce` is to follow


class Book:
    """`most`: how many may be open at once; above that requests fail with TooManyWaiting."""

    def __init__(
        self,
        approvals: Iterable[Approval],
        most: int,
        revocations: Iterable[Revocation] = (),
        standings: Iterable[Standing] = (),
        authenticators: Iterable[Authenticator] = (),
    ) -> None:
        self.authenticators = Authenticators(authenticators)
        self.standings = Standings(standings)
        self.revocations = Revocations(revocations)
        self._open = {approval.id: approval for approval in approvals}
        self._by_key = {approval.card.binding.key: approval.id for approval in self._open.values()}
        self._most = most
        self._staged: dict[str, Approval] = {}
        self._changes: list[Change] = []
        self._notices: list[Notice] = []

    def __len__(self) -> int:
        return len(self._open)

    @property
    def changes(self) -> list[Change]:
        """What is staged, in order."""
        return self._changes

    @property
    def notices(self) -> list[Notice]:
        """What is staged of revocations."""
        return self._notices

    @property
    def stands(self) -> list[Stand]:
        """What is staged of standing grants."""
        return self.standings.changes

    @property
    def enrolments(self) -> list[Enrolment]:
        """What is staged of authenticators."""
        return self.authenticators.changes

    def open(self) -> list[Approval]:
        """Settled and open, oldest first (ids sort by time)."""
        return [self._open[approval_id] for approval_id in sorted(self._open)]

    def get(self, approval_id: str) -> Approval | None:
        """The settled one, if it is open."""
        return self._open.get(approval_id)

    def request(self, ask: Ask, at_us: int, new_id: str) -> Approval:
        """A new card, or the open one with the same key. Raises AskInvalid, Revoked, TooManyWaiting."""
        ask = checked(ask)
        self._check_revoked(Traits.of(Card.of(ask)))
        found = self._by_key.get(ask.binding.key)
        if found is not None:
            approval, why = self._step(self._now(found), Return(at_us, ask.exchange))
            if why is Why.TOO_MANY:
                raise TooManyWaiting("too many exchanges wait for one approval")
            if not approval.state.final:
                return approval
        if len(self._open) + len(self._staged) >= self._most and self._count() >= self._most:
            raise TooManyWaiting(f"{self._most} approvals are open (approvals.max_waiting)")
        fact = machine.request(new_id, Card.of(ask), at_us)
        approval = machine.fold([fact])
        self._stage(Change(approval, fact, ask.shown))
        standing = self.standings.take(ask, at_us)
        if standing is not None:
            giver = standing.given.votes[-1].voter
            # its giver has not seen this request: the vote names no content
            return self._grant(approval, at_us, Vote(giver, "", "", standing.narrowing), standing)
        return approval

    def step(self, approval_id: str, step: Step, new_id: str = "") -> tuple[Approval, Why | None] | None:
        """The approval after the step, and why the step did nothing if so; None: not open.

        `new_id`: of the standing grant that a grant may bring. Raises TooWide, SignatureRefused.
        """
        if approval_id not in self._open and approval_id not in self._staged:
            return None
        before = self._now(approval_id)
        if isinstance(step, Grant | Refuse):
            self.authenticators.check(step.vote, step.at_us)
        if isinstance(step, Grant) and step.vote.wish is not None:
            given(new_id, step.at_us, before, (step.vote,), step.vote.wish)  # what nobody can have is told at once
        after, why = self._step(before, step)
        wish = wished(after.votes) if isinstance(step, Grant) and why is None else None
        if wish is not None and after.state is State.GRANTED:
            self.standings.give(new_id, step.at_us, after, after.votes, wish)
        if isinstance(step, Grant | Refuse) and why is None:
            self.authenticators.use(step.vote, step.at_us)
        return after, why

    def break_glass(
        self, approval_id: str, at_us: int, vote: Vote, wish: Wish, new_id: str
    ) -> tuple[Approval, Why | None] | None:
        """Granted by one person alone, as the policy foresees; None: not open. Raises TooWide, SignatureRefused."""
        if approval_id not in self._open and approval_id not in self._staged:
            return None
        self.authenticators.check(vote, at_us)
        # what speaks against a grant speaks against this one, but for who gives it
        approval, why = self._step(self._now(approval_id), Tick(at_us))
        why = why or machine.objection(approval, vote)
        if why is not None or approval.state is not State.REQUESTED:
            return approval, why or Why.of(approval.state)
        if not vote.justification.strip():
            return approval, Why.JUSTIFICATION
        standing = self.standings.give(new_id, at_us, approval, (vote,), wish, alone=True)
        self.authenticators.use(vote, at_us)
        return self._grant(approval, at_us, vote, standing), None

    def revoke(self, made: Made) -> Revocation:
        """What it hits ends with it. The one that already says the same is returned instead of a second one."""
        known = [notice.after for notice in self._notices]
        same = self.revocations.same(made.scope, made.value, made.issuer)
        same = same or Revocations(known).same(made.scope, made.value, made.issuer)
        if same is not None:
            return same
        revocation = revoked([made])
        self._notices.append(Notice(revocation, made))
        self._stop(lambda traits: revocation if revocation.hits(traits) else None, made.at_us)
        return revocation

    def enforce(self, at_us: int) -> None:
        """Ends what any revocation hits: gateways that begin to share bring revocations, and cards of their own."""
        self._stop(self.revocations.find, at_us)

    def _stop(self, hit: Callable[[Traits], Revocation | None], at_us: int) -> None:
        for approval in [*self._open.values(), *self._staged.values()]:
            now = self._now(approval.id)
            if not now.state.final and hit(Traits.of(now.card)) is not None:
                self._step(now, Revoke(at_us))
        self.standings.end(hit, at_us)

    def lift(self, revocation_id: str, at_us: int, reason: str, by: By) -> Revocation | None:
        """None: there is no such revocation. One that is lifted stays as it is."""
        found = self.revocations.get(revocation_id)
        if found is None or not found.active or any(notice.after.id == revocation_id for notice in self._notices):
            return found
        fact = Lifted(found.facts + 1, at_us, reason, by)
        after = revoked([fact], found)
        self._notices.append(Notice(after, fact))
        return after

    def learn(self, entries: Iterable[Entry]) -> Learned:
        """What other gateways have made durable meanwhile; it is true already. Nothing may be staged."""
        approvals: dict[str, Approval] = {}
        learned = Learned([], [], [])
        for entry in entries:
            if entry.kind == "revocation":
                learned.revocations.append(revoked([entry.fact], self.revocations.get(entry.id)))
                self.revocations.put(learned.revocations[-1])
            elif entry.kind == "authenticator":
                self.authenticators.learn(entry.fact)
            elif entry.kind == "standing":
                standing = self.standings.learn(entry.id, entry.fact)
                learned.standings.extend([standing] if standing else ())
            else:
                after = machine.fold([entry.fact], approvals.get(entry.id) or self._open.get(entry.id))
                approvals[after.id] = after
                self._index(after)
        self._settle(approvals.values())
        learned.approvals.extend(approvals.values())
        opened = (Traits.of(each.card) for each in approvals.values() if not each.state.final)
        return learned._replace(
            hit=any(each.active for each in learned.revocations) or any(map(self.revocations.find, opened))
        )

    def settle(self) -> list[Approval]:
        """The staged approvals are true now; returns them as they are at the end of the group."""
        changed, self._staged, self._changes = list(self._staged.values()), {}, []
        for notice in self._notices:
            self.revocations.put(notice.after)
        self._notices = []
        self.standings.settle()
        self.authenticators.settle()
        self._settle(changed)
        return changed

    def drop(self) -> None:
        """The disk did not take it: everything is as it was before the group."""
        for approval in self._staged.values():
            self._by_key.pop(approval.card.binding.key, None)
        for approval_id in self._staged:
            before = self._open.get(approval_id)
            if before is not None:
                self._by_key[before.card.binding.key] = before.id
        self._staged, self._changes, self._notices = {}, [], []
        self.standings.drop()
        self.authenticators.drop()

    def _grant(self, approval: Approval, at_us: int, vote: Vote, standing: Standing) -> Approval:
        fact = Granted(approval.facts + 1, at_us, vote, standing.id)
        after = machine.apply(approval, fact)
        self._stage(Change(after, fact))
        return after

    def _check_revoked(self, traits: Traits) -> None:
        staged = any(notice.after.hits(traits) for notice in self._notices)
        if staged or self.revocations.find(traits) is not None:
            raise Revoked("the identity was revoked")

    def _now(self, approval_id: str) -> Approval:
        return self._staged.get(approval_id) or self._open[approval_id]

    def _count(self) -> int:
        """Open ones as they would be after this group."""
        ended = sum(at.state.final and at.id in self._open for at in self._staged.values())
        begun = sum(not at.state.final and at.id not in self._open for at in self._staged.values())
        return len(self._open) - ended + begun

    def _step(self, approval: Approval, step: Step) -> tuple[Approval, Why | None]:
        decided = machine.decide(approval, step)
        for fact in decided.facts:
            approval = machine.apply(approval, fact)
            self._stage(Change(approval, fact))
        return approval, decided.why

    def _stage(self, change: Change) -> None:
        self._staged[change.after.id] = change.after
        self._changes.append(change)
        self._index(change.after)

    def _settle(self, changed: Iterable[Approval]) -> None:
        for approval in changed:
            if approval.state.final:
                self._open.pop(approval.id, None)
            else:
                self._open[approval.id] = approval

    def _index(self, approval: Approval) -> None:
        key = approval.card.binding.key
        if not approval.state.final:
            self._by_key[key] = approval.id
        elif self._by_key.get(key) == approval.id:
            del self._by_key[key]
