"""The only file that touches our protobuf: messages ↔ the nouns of `facts` and `machine`."""

from approvals import approvals_pb2 as pb
from approvals.facts import Ask, Binding, Card, Narrowing, Shown, Vote, Voter, Wish
from approvals.machine import Approval, Phase
from approvals.quorum import missing
from approvals.revocations import By, Lifted, Made, Revocation, Scope, fold
from approvals.wire_signing import signature_from, signature_to
from snapshot.decision import ApprovalTerms, Bounds, BreakGlass, Giver, Justification, Wait

WAITS: dict[str, Wait] = {"hold": "hold", "respond": "respond"}
GIVERS: dict[str, Giver] = {"requester": "requester", "approver": "approver"}
JUSTIFICATIONS: dict[str, Justification] = {"none": "none", "optional": "optional", "required": "required"}


def binding_to(binding: Binding) -> pb.Binding:
    return pb.Binding(
        exchange=binding.exchange,
        connection=binding.connection,
        upstream=binding.upstream,
        received_digest=binding.received_digest,
        forwarded_digest=binding.forwarded_digest,
        issuer=binding.issuer,
        subject=binding.subject,
        agent=binding.agent,
        snapshot=binding.snapshot,
        target=binding.target,
    )


def binding_from(message: pb.Binding) -> Binding:
    return Binding(
        exchange=message.exchange,
        connection=message.connection,
        upstream=message.upstream,
        received_digest=message.received_digest,
        forwarded_digest=message.forwarded_digest,
        issuer=message.issuer,
        subject=message.subject,
        agent=message.agent,
        snapshot=message.snapshot,
        target=message.target,
    )


def terms_to(terms: ApprovalTerms) -> pb.Terms:
    return pb.Terms(
        any=terms.any,
        all=terms.all,
        quorum=terms.quorum,
        expires_s=terms.expires_s,
        wait=terms.wait,
        justification=terms.justification,
        justification_from=terms.justification_from,
        standing=_bounds_to(terms.standing) if terms.standing else None,
        break_glass=_glass_to(terms.break_glass) if terms.break_glass else None,
        never=terms.never,
        signature=terms.signature,
    )


def terms_from(message: pb.Terms) -> ApprovalTerms:
    """Raises KeyError for a word that we do not know."""
    return ApprovalTerms(
        any=tuple(message.any),
        all=tuple(message.all),
        quorum=message.quorum,
        expires_s=message.expires_s,
        wait=WAITS[message.wait],
        justification=JUSTIFICATIONS[message.justification],
        justification_from=tuple(GIVERS[giver] for giver in message.justification_from),
        standing=Bounds(message.standing.uses, message.standing.seconds) if message.HasField("standing") else None,
        break_glass=_glass_from(message.break_glass) if message.HasField("break_glass") else None,
        never=tuple(message.never),
        signature=message.signature,
    )


def _bounds_to(bounds: Bounds) -> pb.Bounds:
    return pb.Bounds(uses=bounds.uses, seconds=bounds.seconds)


def _glass_to(glass: BreakGlass) -> pb.BreakGlass:
    return pb.BreakGlass(any=glass.any, bounds=_bounds_to(glass.bounds))


def _glass_from(message: pb.BreakGlass) -> BreakGlass:
    return BreakGlass(tuple(message.any), message.bounds.uses, message.bounds.seconds)


def ask_to(ask: Ask) -> pb.Ask:
    return pb.Ask(
        binding=binding_to(ask.binding),
        terms=terms_to(ask.terms),
        shown_media=ask.shown.media,
        shown=ask.shown.content,
        action=ask.action,
        jti=ask.jti,
        owner=ask.owner,
        email=ask.email,
        session=ask.session,
        rule=ask.rule,
        message=ask.message,
        justification=ask.justification,
        risk=ask.risk,
        tool=ask.tool,
        hits=ask.hits,
    )


def ask_from(message: pb.Ask) -> Ask:
    binding = message.binding
    return Ask(
        exchange=binding.exchange,
        connection=binding.connection,
        upstream=binding.upstream,
        received_digest=binding.received_digest,
        forwarded_digest=binding.forwarded_digest,
        issuer=binding.issuer,
        subject=binding.subject,
        agent=binding.agent,
        snapshot=binding.snapshot,
        target=binding.target,
        terms=terms_from(message.terms),
        shown=Shown(message.shown_media, message.shown),
        action=message.action,
        jti=message.jti,
        owner=message.owner,
        email=message.email,
        session=message.session,
        rule=message.rule,
        message=message.message,
        justification=message.justification,
        risk=message.risk,
        tool=message.tool,
        hits=message.hits,
    )


def status_to(approval: Approval) -> pb.Status:
    last = approval.refusal or (approval.votes[-1] if approval.votes else None)
    return pb.Status(
        id=approval.id,
        state=approval.state,
        expires_us=approval.expires_us,
        changed_us=approval.changed_us,
        answered_by=(last.voter.email or last.voter.subject) if last else "",
        justification=last.justification if last else "",
        withdrawn=approval.withdrawn,
        narrowing=narrowing_to(approval.narrowing),
    )


def approval_to(approval: Approval, shown: Shown | None = None) -> pb.Approval:
    card = approval.card
    return pb.Approval(
        id=approval.id,
        phase=approval.phase,
        binding=binding_to(card.binding),
        terms=terms_to(card.terms),
        shown_media=card.shown_media,
        shown_digest=card.shown_digest,
        shown=shown.content if shown else b"",
        action=card.action,
        jti=card.jti,
        risk=card.risk,
        tool=card.tool,
        hits=card.hits,
        missing=missing([vote.voter for vote in approval.votes], card.terms),
        deadline_us=approval.deadline_us or 0,
        owner=card.owner,
        email=card.email,
        session=card.session,
        rule=card.rule,
        message=card.message,
        justification=card.justification,
        facts=approval.facts,
        requested_us=approval.requested_us,
        expires_us=approval.expires_us,
        changed_us=approval.changed_us,
        grace_until_us=approval.grace_until_us,
        waiting=approval.waiting,
        exchanges=approval.exchanges,
        votes=[vote_to(vote) for vote in approval.votes],
        refusal=vote_to(approval.refusal) if approval.refusal else None,
        withdrawn=approval.withdrawn,
        standing=approval.standing,
    )


def approval_from(message: pb.Approval) -> Approval:
    return Approval(
        id=message.id,
        phase=Phase(message.phase),
        card=_card_from(message),
        facts=message.facts,
        requested_us=message.requested_us,
        expires_us=message.expires_us,
        waiting=tuple(message.waiting),
        exchanges=tuple(message.exchanges),
        changed_us=message.changed_us,
        votes=tuple(vote_from(vote) for vote in message.votes),
        refusal=vote_from(message.refusal) if message.HasField("refusal") else None,
        grace_until_us=message.grace_until_us if message.HasField("grace_until_us") else None,
        withdrawn=message.withdrawn,
        standing=message.standing,
    )


def shown_from(message: pb.Approval) -> Shown:
    return Shown(message.shown_media, message.shown)


def _card_from(message: pb.Approval) -> Card:
    return Card(
        binding=binding_from(message.binding),
        terms=terms_from(message.terms),
        shown_media=message.shown_media,
        shown_digest=message.shown_digest,
        action=message.action,
        jti=message.jti,
        owner=message.owner,
        email=message.email,
        session=message.session,
        rule=message.rule,
        message=message.message,
        justification=message.justification,
        risk=message.risk,
        tool=message.tool,
        hits=message.hits,
    )


def narrowing_to(narrowing: Narrowing) -> pb.Narrowing:
    return pb.Narrowing(masking=narrowing.masking, max_response_bytes=narrowing.max_response_bytes)


def narrowing_from(message: pb.Narrowing) -> Narrowing:
    return Narrowing(tuple(message.masking), message.max_response_bytes)


def wish_to(wish: Wish) -> pb.Wish:
    return pb.Wish(uses=wish.uses, seconds=wish.seconds, action=wish.action)


def wish_from(message: pb.Wish) -> Wish:
    return Wish(message.uses, message.seconds, message.action)


def vote_to(vote: Vote) -> pb.Vote:
    return pb.Vote(
        issuer=vote.voter.issuer,
        subject=vote.voter.subject,
        email=vote.voter.email,
        groups=vote.voter.groups,
        shown_digest=vote.shown_digest,
        justification=vote.justification,
        narrowing=narrowing_to(vote.narrowing),
        wish=wish_to(vote.wish) if vote.wish else None,
        signature=signature_to(vote.signature) if vote.signature else None,
    )


def vote_from(message: pb.Vote) -> Vote:
    voter = Voter(message.issuer, message.subject, message.email, tuple(message.groups))
    wish = wish_from(message.wish) if message.HasField("wish") else None
    signature = signature_from(message.signature) if message.HasField("signature") else None
    less = narrowing_from(message.narrowing)
    return Vote(voter, message.shown_digest, message.justification, less, wish, signature)


def revocation_to(revocation: Revocation) -> pb.Revocation:
    made, lifted = revocation.made, revocation.lifted
    return pb.Revocation(
        id=made.id,
        phase=revocation.phase,
        scope=made.scope,
        value=made.value,
        issuer=made.issuer,
        reason=made.reason,
        by=by_to(made.by),
        at_us=made.at_us,
        lifted=pb.Lift(reason=lifted.reason, by=by_to(lifted.by), at_us=lifted.at_us) if lifted else None,
    )


def revocation_from(message: pb.Revocation) -> Revocation:
    by, scope = by_from(message.by), Scope(message.scope)
    made = Made(1, message.at_us, message.id, scope, message.value, message.issuer, message.reason, by)
    if not message.HasField("lifted"):
        return fold([made])
    lift = message.lifted
    return fold([made, Lifted(2, lift.at_us, lift.reason, by_from(lift.by))])


def by_to(by: By) -> pb.Person:
    return pb.Person(issuer=by.issuer, subject=by.subject, email=by.email)


def by_from(message: pb.Person) -> By:
    return By(message.issuer, message.subject, message.email)
