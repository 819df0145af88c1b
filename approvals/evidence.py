"""What the record says of each fact. Pure.

One event per fact: `approval.requested|returned|left|endorsed|granted|refused|expired|withdrawn|used`,
`identity.revoked|restored`, `person.authenticator_added|removed|suspect`, and of standing grants
`standing.given|break_glass|taken|over|revoked|reviewed`. The
content that approvers are shown is a frame of the requested event; every answer names its SHA-256. An event spans from
the request (the gift) until what it says; where that began under an earlier process, as the wall clock has it.
"""

import hashlib
import json
from dataclasses import asdict, dataclass

from approvals.authenticators import Enrolment
from approvals.facts import (
    Card,
    Endorsed,
    Fact,
    Granted,
    Left,
    Narrowing,
    Refused,
    Requested,
    Returned,
    Shown,
    Used,
    Vote,
    Withdrawn,
)
from approvals.machine import Approval
from approvals.quorum import missing
from approvals.revocations import Revocation, RevocationFact
from approvals.standing import Fact as StandingFact
from approvals.standing import Given, Reviewed, Standing, Taken
from approvals.standing import Revoked as StandingRevoked
from approvals.standings import Stand
from audit.write import Caller, Draft, Frame, Kind, Span, Value
from snapshot.decision import ApprovalTerms

FRAME_BYTES = 256 << 10  # larger content is split by its writer


@dataclass(frozen=True, slots=True)
class Change:
    """One fact, the approval that it makes, and with the first fact the content that approvers are shown."""

    after: Approval
    fact: Fact
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One fact of a revocation, and the revocation that it makes."""

    after: Revocation
    fact: RevocationFact


def notice_draft(notice: Notice) -> Draft:
    """`identity.revoked` or `identity.restored`."""
    made, lifted = notice.after.made, notice.after.lifted
    by, reason = (lifted.by, lifted.reason) if lifted else (made.by, made.reason)
    data: dict[str, Value] = {
        "revocation": made.id,
        "scope": str(made.scope),
        "value": made.value,
        "issuer": made.issuer,
        "reason": reason,
        "by": {"issuer": by.issuer, "subject": by.subject, "email": by.email},
        "at_us": notice.fact.at_us,
    }
    return Draft(Kind.CONFIG, "identity.restored" if lifted else "identity.revoked", data=data)


def enrolment_draft(enrolment: Enrolment) -> Draft:
    """`person.authenticator_added` with its key, so that the record alone is enough to check with; or `…_removed`."""
    made = enrolment.after
    data: dict[str, Value] = {"authenticator": made.id, "name": made.name, "email": made.email}
    if enrolment.what == "added":
        data |= {"public_key": made.key, "algorithm": made.algorithm, "rp_id": made.rp_id, "origin": made.origin}
        data |= {"count": made.count, "at_us": made.added_us}
    else:
        data["at_us"] = made.removed_us
    caller = Caller(made.issuer, made.subject)
    return Draft(Kind.PERSON, f"person.authenticator_{enrolment.what}", caller=caller, data=data)


def suspect_draft(vote: Vote, approval_id: str) -> Draft:
    """A right signature whose counter went back: somebody may have a copy of the key."""
    assert vote.signature is not None
    data: dict[str, Value] = {"authenticator": vote.signature.credential, "approval": approval_id}
    caller = Caller(vote.voter.issuer, vote.voter.subject)
    return Draft(Kind.PERSON, "person.authenticator_suspect", caller=caller, data=data)


def stand_draft(stand: Stand, took_us: int | None = None) -> Draft:
    """`standing.given|taken|over|revoked|reviewed`, and `standing.break_glass` for what one person gave alone.

    `took_us`: since it was given, on a clock that never goes back, where that is known.
    """
    standing, fact = stand.after, stand.fact
    given, reach = standing.given, standing.given.reach
    data: dict[str, Value] = {"standing": standing.id, "n": fact.n, "state": str(standing.phase), "at_us": fact.at_us}
    alone = isinstance(fact, Given) and fact.break_glass
    return Draft(
        kind=Kind.APPROVAL,
        type="standing.break_glass" if alone else f"standing.{fact.type}",
        exchange=fact.exchange if isinstance(fact, Taken) else "",
        session=given.session,
        connection=reach.connection,
        caller=Caller(reach.issuer, reach.subject, reach.agent),
        data={**data, **_of_standing(standing, fact)},
        span=_span(given.at_us, fact.at_us, took_us),
    )


def _of_standing(standing: Standing, fact: StandingFact) -> dict[str, Value]:
    match fact:
        case Given(votes=votes, reach=reach):
            answers: list[Value] = [_answer(vote) for vote in votes]
            about: dict[str, Value] = {"action": reach.action, "rule": reach.rule, "snapshot": reach.snapshot}
            until: dict[str, Value] = {"uses": fact.uses, "until_us": fact.until_us, "approval": fact.approval}
            return {**about, **until, "break_glass": fact.break_glass, "answers": answers}
        case Taken():
            return {"uses_left": standing.uses_left}
        case StandingRevoked(by=by, reason=words) | Reviewed(by=by, words=words):
            return {"by": {"issuer": by.issuer, "subject": by.subject, "email": by.email}, "words": words}
    return {"uses_left": 0}


def draft(change: Change, took_us: int | None = None) -> Draft:
    """The event of one change. `took_us`: since it was requested, on a clock that never goes back, where known."""
    after, fact, shown = change.after, change.fact, change.shown
    binding = after.card.binding
    data: dict[str, Value] = {"approval": after.id, "n": fact.n, "state": str(after.state), "at_us": fact.at_us}
    return Draft(
        kind=Kind.APPROVAL,
        type=f"approval.{fact.type}",
        exchange=fact.exchange if isinstance(fact, Returned | Left | Used) else binding.exchange,
        session=after.card.session,
        connection=binding.connection,
        caller=Caller(binding.issuer, binding.subject, binding.agent),
        data={**data, **_particulars(after, fact)},
        frames=_frames(shown, fact.at_us) if shown and isinstance(fact, Requested) else (),
        span=_span(after.requested_us, fact.at_us, took_us),
    )


def _span(began_us: int, at_us: int, took_us: int | None) -> Span:
    return Span(began_us, max(0, at_us - began_us if took_us is None else took_us))


def _particulars(after: Approval, fact: Fact) -> dict[str, Value]:
    match fact:
        case Requested():
            return _asked(after.card) | {"expires_us": fact.expires_us}
        case Endorsed(vote=vote) | Granted(vote=vote):
            voters = [earlier.voter for earlier in after.votes]
            by: dict[str, Value] = {"standing": fact.standing} if isinstance(fact, Granted) and fact.standing else {}
            lacking = 0 if by else missing(voters, after.card.terms)
            return _answer(vote) | {"answers": len(voters), "missing": lacking} | by
        case Refused(vote=vote):
            return _answer(vote)
        case Withdrawn(reason=reason):
            return {"reason": reason}
        case Used():
            binding = after.card.binding
            digests: dict[str, Value] = {"received_digest": binding.received_digest}
            return digests | {"forwarded_digest": binding.forwarded_digest} | _rests(after)
    return {}


def _rests(after: Approval) -> dict[str, Value]:
    """On what a use rests where answers are signed: they may stand in another gateway's log."""
    if not after.card.terms.signature:
        return {}
    signed: list[Value] = [_repeated(vote) for vote in after.votes if vote.signature is not None]
    by: dict[str, Value] = {"standing": after.standing} if after.standing else {}
    return by | ({"answers": signed} if signed else {})


def _repeated(vote: Vote) -> dict[str, Value]:
    """With the digest of the words in their place: twenty people's reasons would not fit into one event."""
    digest = hashlib.sha256(vote.justification.encode()).hexdigest()
    return {name: value for name, value in _answer(vote).items() if name != "justification"} | {"words": digest}


def asked_digest(card: Card) -> str:
    """SHA-256 of what was asked, by whom and under which terms: what the requested event says of it, canonical JSON."""
    binding = card.binding
    caller = {"issuer": binding.issuer, "subject": binding.subject, "agent": binding.agent}
    said = {"asked": _asked(card), "caller": caller, "connection": binding.connection}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _asked(card: Card) -> dict[str, Value]:
    terms = card.terms
    return {
        "rule": card.rule,
        "message": card.message,
        "action": card.action,
        "risk": card.risk,
        "tool": card.tool,
        "hits": card.hits,
        "target": card.binding.target,
        "owner": card.owner,
        "justification": card.justification,
        "upstream": card.binding.upstream,
        "received_digest": card.binding.received_digest,
        "forwarded_digest": card.binding.forwarded_digest,
        "snapshot": card.binding.snapshot,
        "shown": card.shown_digest,
        "shown_media": card.shown_media,
        "terms": {
            "any": list(terms.any),
            "all": list(terms.all),
            "quorum": terms.quorum,
            "expires_s": terms.expires_s,
            "wait": terms.wait,
            "justification": terms.justification,
            **_more_terms(terms),
        },
    }


def _more_terms(terms: ApprovalTerms) -> dict[str, Value]:
    """What most policies do not use, where they do."""
    found: dict[str, Value] = {"justification_from": list(terms.justification_from)}
    if terms.never:
        found["never"] = list(terms.never)
    if terms.signature:
        found["signature"] = True
    if terms.standing is not None:
        found["standing"] = {"uses": terms.standing.uses, "seconds": terms.standing.seconds}
    if terms.break_glass is not None:
        glass = terms.break_glass
        found["break_glass"] = {"any": list(glass.any), "uses": glass.uses, "seconds": glass.seconds}
    return found


def _answer(vote: Vote) -> dict[str, Value]:
    voter = vote.voter
    return {
        "approver": {"issuer": voter.issuer, "subject": voter.subject, "email": voter.email},
        "groups": list(voter.groups),
        "justification": vote.justification,
        "shown": vote.shown_digest,
        **({"asked": vote.asked} if vote.asked else {}),
        **_narrowing(vote.narrowing),
        **_signed(vote),
    }


def _signed(vote: Vote) -> dict[str, Value]:
    """With the rest of the answer, all that somebody needs to check the signature (audit/verify/signatures.py)."""
    wish, signature = vote.wish, vote.signature
    found: dict[str, Value] = {}
    if wish is not None:
        found["wish"] = {"uses": wish.uses, "seconds": wish.seconds, "action": wish.action}
    if signature is not None:
        found["signature"] = {**asdict(signature)}
    return found


def _narrowing(narrowing: Narrowing) -> dict[str, Value]:
    found: dict[str, Value] = {"masking": list(narrowing.masking)} if narrowing.masking else {}
    return found | ({"max_response_bytes": narrowing.max_response_bytes} if narrowing.max_response_bytes else {})


def _frames(shown: Shown, at_us: int) -> tuple[Frame, ...]:
    pieces = range(0, len(shown.content), FRAME_BYTES) or range(1)
    return tuple(
        Frame(index, at_us, "shown", shown.media, shown.content[start : start + FRAME_BYTES])
        for index, start in enumerate(pieces)
    )
