"""The messages of standing grants; the rest of our protobuf is in `wire`."""

from approvals import approvals_pb2 as pb
from approvals import wire
from approvals.facts import Voter
from approvals.standing import Given, Phase, Reach, Reviewed, Standing


def standing_to(standing: Standing) -> pb.Standing:
    given, reach = standing.given, standing.given.reach
    return pb.Standing(
        id=standing.id,
        phase=standing.phase,
        issuer=reach.issuer,
        subject=reach.subject,
        agent=reach.agent,
        connection=reach.connection,
        snapshot=reach.snapshot,
        action=reach.action,
        rule=reach.rule,
        terms=wire.terms_to(reach.terms),
        uses=given.uses,
        given_us=given.at_us,
        until_us=given.until_us,
        votes=[wire.vote_to(vote) for vote in given.votes],
        break_glass=given.break_glass,
        approval=given.approval,
        session=given.session,
        own=given.own,
        exchanges=standing.exchanges,
        facts=standing.facts,
        uses_left=standing.uses_left,
        owes_review=standing.owes_review,
        reviewed=_review_to(standing.reviewed) if standing.reviewed else None,
    )


def standing_from(message: pb.Standing) -> Standing:
    reach = Reach(
        message.issuer,
        message.subject,
        message.agent,
        message.connection,
        message.snapshot,
        message.action,
        message.rule,
        wire.terms_from(message.terms),
    )
    given = Given(
        1,
        message.given_us,
        message.id,
        reach,
        message.uses,
        message.until_us,
        tuple(wire.vote_from(vote) for vote in message.votes),
        message.break_glass,
        message.approval,
        message.session,
        tuple(message.own),
    )
    reviewed = _review_from(message.reviewed) if message.HasField("reviewed") else None
    return Standing(given, Phase(message.phase), message.facts, tuple(message.exchanges), reviewed)


def _review_to(reviewed: Reviewed) -> pb.StandingReview:
    by = reviewed.by
    person = pb.Person(issuer=by.issuer, subject=by.subject, email=by.email)
    return pb.StandingReview(by=person, words=reviewed.words, at_us=reviewed.at_us, n=reviewed.n)


def _review_from(message: pb.StandingReview) -> Reviewed:
    by = Voter(message.by.issuer, message.by.subject, message.by.email, ())
    return Reviewed(message.n, message.at_us, by, message.words)
