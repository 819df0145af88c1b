"""Every reason why this room refuses, by its stable code: the HTTP status and what the caller is told. No content.

Codes of other rooms (`spool_full`, `unknown_profile`, …) that are not listed are answered as UNAVAILABLE.
"""

from collections.abc import Mapping

from snapshot.answers import Answer, refusal

UNAVAILABLE = (503, "A part of the gateway is not available, so nothing was let through.")
RECORD = (503, "The evidence cannot be written, so nothing was let through.")

REFUSALS: Mapping[str, tuple[int, str]] = {
    "approval_expired": (403, "Nobody granted this in time."),
    "approval_pending": (403, "Nobody has answered yet. Ask again within a minute to find the answer."),
    "approval_refused": (403, "An approver refused this."),
    "approval_required": (403, "This needs an approval, which has been asked for."),
    "approval_used": (403, "The approval for this cannot be used again."),
    "approval_withdrawn": (403, "The approval for this was withdrawn."),
    "approved_limit": (502, "The answer is larger than the approver allowed."),
    "blocked": (403, "The content may not pass."),
    "digest_mismatch": (503, "The request changed after it was decided, so it was not let through."),
    "hidden_tool_forced": (403, "The request insists on a tool that is not there for it."),
    "hold_buffer_full": (502, "More came behind a held tool call than the gateway keeps."),
    "justification_required": (403, "The policy asks why: say it in the header x-exeat-justification, and ask again."),
    "local_reply_too_long": UNAVAILABLE,
    "malformed_response": (502, "The upstream's answer is not a whole answer."),
    "malformed_verdict": (503, "There is no decision for this request, so it was not let through."),
    "partial_content": (502, "The upstream answered with a part of a document, which cannot be inspected."),
    "record_slow": RECORD,
    "request_trailers": (400, "Trailers in a request are not accepted."),
    "revoked": (403, "This identity, agent, session or token was revoked."),
    "spool_down": RECORD,
    "spool_full": RECORD,
    "tool_calls_unreadable": (502, "The upstream's answer is not one in which tool calls can be held."),
    "too_large_to_show": (413, "The request is too large to be shown to an approver."),
    "uninspectable_request": (415, "The request cannot be inspected, and must be before it may go."),
    "uninspectable": (502, "The upstream's answer cannot be inspected, so it was not let through."),
    "uninspectable_response": (502, "The upstream's answer cannot be inspected, so it was not let through."),
    "unsupported_verdict": (503, "The decision asks for something this gateway cannot do yet."),
    "upstream_silent": (504, "The upstream has been silent for too long."),
}


def reason(code: str) -> tuple[int, str]:
    """Status and sentence of a code."""
    return REFUSALS.get(code, UNAVAILABLE)


def answer(kind: str, code: str, exchange: str, message: str = "") -> Answer:
    """The whole refusal in the shape of the API that the caller speaks. `message` instead of our own sentence."""
    status, text = reason(code)
    return refusal(kind, status, code, message or text, exchange)
