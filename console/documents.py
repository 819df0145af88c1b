"""Approvals, standing grants and revocations as JSON says them, and as one line; for command line and API alike."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from approvals.facts import Shown
from approvals.machine import Approval
from approvals.quorum import missing
from approvals.revocations import By, Revocation
from approvals.standing import Standing
from approvals.view import View
from console.words import printable, when


def of_approval(approval: Approval, shown: Shown | None = None) -> dict[str, Any]:
    """What --json prints. Times are Unix microseconds."""
    card, binding = approval.card, approval.card.binding
    about = {
        "rule": card.rule,
        "action": card.action,
        "message": card.message,
        "connection": binding.connection,
        "agent": binding.agent,
    }
    found: dict[str, Any] = {
        "id": approval.id,
        "state": str(approval.state),
        **about,
        "subject": binding.subject,
        "owner": card.owner,
    }
    found |= {"exchange": binding.exchange, "exchanges": list(approval.exchanges), "session": card.session}
    found |= {"justification": card.justification, "any": list(card.terms.any), "all": list(card.terms.all)}
    found |= {"quorum": card.terms.quorum, "missing": lacking(approval), "waiting": len(approval.waiting)}
    found |= {"requested_us": approval.requested_us, "expires_us": approval.expires_us}
    found |= {"snapshot": binding.snapshot, "shown_digest": card.shown_digest}
    found["granted_by"] = [vote.voter.email or vote.voter.subject for vote in approval.votes]
    found["refused_by"] = (approval.refusal.voter.email or approval.refusal.voter.subject) if approval.refusal else ""
    found |= {"risk": card.risk, "tool": card.tool, "hits": card.hits, "granted_with": asdict(approval.narrowing)}
    found["signature_required"] = card.terms.signature
    answers = [*approval.votes, *([approval.refusal] if approval.refusal else [])]
    found["signed_by"] = [vote.voter.email or vote.voter.subject for vote in answers if vote.signature]
    if shown is not None:
        found |= {"shown_media": shown.media, "shown": View.read(shown).content, "view": asdict(View.read(shown))}
    return found


def approval_line(document: Mapping[str, Any], now_us: int) -> str:
    """One approval on one line."""
    ended = document["state"] not in ("requested", "granted")
    left = "" if ended else f"{max(0, document['expires_us'] - now_us) // 1_000_000} s left"
    who = f"{document['agent'] or document['subject']} → {document['connection']}"
    text = f"{document['id']}  {document['state']:<9}  {who}  {document['action']}  {document['message']}  {left}"
    return printable(text.rstrip())


def lacking(approval: Approval) -> int:
    """How many more must say yes."""
    return missing([vote.voter for vote in approval.votes], approval.card.terms)


def of_standing(standing: Standing) -> dict[str, Any]:
    """What --json prints. Times are Unix microseconds."""
    given, reach = standing.given, standing.given.reach
    found: dict[str, Any] = {"id": standing.id, "state": str(standing.phase), "break_glass": given.break_glass}
    found |= {"subject": reach.subject, "agent": reach.agent, "issuer": reach.issuer, "connection": reach.connection}
    found |= {"action": reach.action, "rule": reach.rule, "snapshot": reach.snapshot, "approval": given.approval}
    found |= {"uses": given.uses, "uses_left": standing.uses_left, "exchanges": list(standing.exchanges)}
    found |= {"given_us": given.at_us, "until_us": given.until_us, "owes_review": standing.owes_review}
    found["given_by"] = [vote.voter.email or vote.voter.subject for vote in given.votes]
    found["reviewed"] = asdict(standing.reviewed) if standing.reviewed else None
    return found


def standing_line(document: Mapping[str, Any]) -> str:
    who = f"{document['agent'] or document['subject']} → {document['connection']}  {document['action']}"
    left = f"{document['uses_left']} of {document['uses']} left until {when(document['until_us'])}"
    owed = "  EMERGENCY, owes a review" if document["owes_review"] else ""
    return printable(f"{document['id']}  {document['state']:<7}  {who}  {left}{owed}")


def of_revocation(revocation: Revocation) -> dict[str, Any]:
    """What --json prints. Times are Unix microseconds."""
    made, lifted = revocation.made, revocation.lifted
    found: dict[str, Any] = {"id": revocation.id, "active": revocation.active, "scope": str(made.scope)}
    found |= {"value": made.value, "issuer": made.issuer, "reason": made.reason}
    found |= {"by": _who(made.by), "at_us": made.at_us}
    if lifted is not None:
        found["lifted"] = {"by": _who(lifted.by), "reason": lifted.reason, "at_us": lifted.at_us}
    return found


def revocation_line(document: Mapping[str, Any]) -> str:
    of = f" of {document['issuer']}" if document["issuer"] else ""
    text = (
        f"{document['id']}  {document['scope']} {document['value']}{of}  {when(document['at_us'])} by {document['by']}"
    )
    text += f": {document['reason']}"
    if lifted := document.get("lifted"):
        text += f"  (lifted {when(lifted['at_us'])} by {lifted['by']}: {lifted['reason']})"
    return printable(text)


def _who(by: By) -> str:
    return by.email or by.subject
