"""What a request for approval must be like before it becomes a card. Pure.

extproc is ours, but the words in an Ask come from strangers: they are bounded here so that an event of them always fits
(60,000 bytes), and kept from steering a terminal.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from approvals.errors import AskInvalid
from approvals.facts import MAX_JUSTIFICATION, MAX_MESSAGE, NOTHING_LESS, Ask, Narrowing
from snapshot.decision import MAX_NAMES, MAX_QUORUM, MAX_RESPOND_SECONDS

MAX_NAME = 256  # characters of an id, subject, digest or host, as in tokens (identity)
MAX_SHOWN = 16 << 20  # nobody reads more; and 64 frames' hashes leave room for the rest of the event
NAMES = (
    "exchange",
    "connection",
    "upstream",
    "received_digest",
    "forwarded_digest",
    "issuer",
    "subject",
    "agent",
    "snapshot",
    "owner",
    "email",
    "session",
    "rule",
    "target",
    "jti",
    "risk",
    "tool",
)
NEEDED = ("exchange", "connection", "received_digest", "forwarded_digest", "issuer", "subject", "snapshot", "target")


def checked(ask: Ask) -> Ask:
    """The same with its free texts made plain. Raises AskInvalid, which names the field and never the value."""
    for field in NAMES:
        name(getattr(ask, field), field, needed=field in NEEDED)
    if len(ask.shown.content) > MAX_SHOWN or len(ask.shown.media) > 100 or not ask.shown.media.isprintable():
        raise AskInvalid("shown is too large or has no proper media type")
    _check_terms(ask)
    message, action = plain(ask.message, MAX_MESSAGE), plain(ask.action, MAX_MESSAGE)
    return replace(ask, message=message, action=action, justification=plain(ask.justification, MAX_JUSTIFICATION))


def name(value: str, what: str, *, needed: bool = True) -> str:
    """An id, a subject, a digest: one short printable line. Raises AskInvalid."""
    if len(value) > MAX_NAME or not value.isprintable():
        raise AskInvalid(f"{what} is not a printable text of at most {MAX_NAME} characters")
    if needed and not value:
        raise AskInvalid(f"{what} is missing")
    return value


def plain(text: str, most: int) -> str:
    """At most `most` characters, without control characters but line breaks."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text[:most])


def narrowed(less: Narrowing, profiles: Callable[[], Collection[str]]) -> Narrowing:
    """What a grant takes away, if the gateway can do that. Raises AskInvalid: a grant of less must not become more."""
    if less == NOTHING_LESS:
        return less
    known = profiles()
    unknown = [profile for profile in less.masking if profile not in known]
    if unknown or len(less.masking) > MAX_NAMES:
        raise AskInvalid(f"masking names a profile that the policy does not have; it has {', '.join(sorted(known))}")
    return replace(less, masking=tuple(dict.fromkeys(less.masking)))


def _check_terms(ask: Ask) -> None:
    terms = ask.terms
    groups = (*terms.any, *terms.all)
    if not groups or len(terms.any) > MAX_NAMES or len(terms.all) > MAX_NAMES:
        raise AskInvalid("terms name no group, or too many: nobody could grant it")
    if any(not group or len(group) > 128 for group in groups) or len(set(terms.all)) != len(terms.all):
        raise AskInvalid("terms name a group twice, or one without a proper name")
    if not 1 <= terms.quorum <= MAX_QUORUM or not 1 <= terms.expires_s <= MAX_RESPOND_SECONDS:
        raise AskInvalid("terms hold a quorum or an expiry out of bounds")
    if terms.needs_justification("requester") and not ask.justification.strip():
        raise AskInvalid("the policy asks the requester for a justification")
