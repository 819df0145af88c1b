"""What goes out: the request as the profiles of its verdict leave it, and what is said of that. Pure.

The floor is about what may be stored and never changes a request. A body that cannot be looked into goes only where
the connection passes its type. Paths, queries and headers are not changed: a policy that must not let them go denies.
"""

import hashlib
from dataclasses import dataclass, field

from audit.write.event import Draft
from extproc import record
from extproc.record import Exchange
from extproc.rules import Rules
from masking import Uninspectable
from runtime.errors import CallerError


class NotInspected(CallerError):
    code = "uninspectable_request"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The bytes to forward; `digest` (hex SHA-256) is "" and there are no drafts where they are those that came."""

    body: bytes = field(repr=False)
    digest: str = ""
    drafts: tuple[Draft, ...] = ()


def outgoing(exchange: Exchange, rules: Rules, media: str, encoding: str, body: bytes) -> Outgoing:
    """`media`: the whole Content-Type. Raises NotInspected, Blocked."""
    verdict = exchange.verdict
    masker = rules.request(verdict) if verdict and body else None
    if verdict is None or masker is None:
        return Outgoing(body)
    try:
        masked = masker.body(media, body, encoding=encoding, complete=True)
    except Uninspectable:
        if rules.connection(verdict.connection).passes(media):
            return Outgoing(body)
        raise NotInspected from None
    if masked.data == body:
        return Outgoing(body)
    digest = hashlib.sha256(masked.data).hexdigest()
    return Outgoing(masked.data, digest, tuple(record.forwarded(exchange, digest, masked.findings)))
