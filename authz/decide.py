"""The input, and what becomes of the policy's answer. Pure: the engine is asked by the service.

One document is what Rego decides on, what is hashed, and what is kept as the frame of the decision, so that
`explain` and `backtest` decide on the very same bytes again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from audit.write import Value, canonical
from authz.describe import Described
from authz.session import Session
from identity import Identity
from masking import Finding
from snapshot.connections import Connection
from snapshot.decision import Decision
from snapshot.verdict import Verdict
from usage import Numbers, Reservation


@dataclass(frozen=True, slots=True)
class Question:
    """`content` is the canonical form of `input`."""

    input: Mapping[str, Any] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Decided:
    """What the policy answered, and the verdict as Envoy carries it."""

    question: Question
    decision: Decision
    metadata: Mapping[str, str]


def question(
    exchange: str,
    at_us: int,
    identity: Identity,
    session: Session,
    connection: Connection,
    described: Described,
    reserved: Reservation,
    used: Numbers,
) -> Question:
    """`at_us`: unix microseconds when the request came; `used`: with what this exchange has reserved."""
    given = {
        "exchange": {"id": exchange, "time_us": at_us},
        "identity": {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "email": identity.email,
            "groups": list(identity.groups),
            "agent": identity.agent,
            "act": list(identity.act),
            "client": identity.client,
            "owner": identity.owner,
        },
        "request": {
            "method": described.method,
            "host": described.host,
            "path": described.path,
            "query": described.query,
            "headers": described.headers,
            "size": described.size,
        },
        "connection": {
            "name": connection.name,
            "kind": connection.kind,
            "risk": connection.risk,
            "mode": connection.mode,
        },
        "action": described.action.to_input(),
        "findings": [_finding(finding) for finding in described.findings],
        "usage": {**used.to_input(), "reserved": reserved.reserved.to_input()},
        "session": {"id": session.id, "source": session.source},
        "time": {"us": at_us},
    }
    return Question(given, _written(given))


def _written(given: Mapping[str, Any]) -> bytes:
    """Content may hold numbers that an event's facts may not; as a frame it is bytes, hashed as they are."""
    try:
        return orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits
        return canonical(cast(Value, given))


def _finding(finding: Finding) -> dict[str, Any]:
    return {"rule": finding.rule, "where": finding.where, "count": finding.count, "token": finding.token}


def verdict(
    exchange: str,
    identity: Identity,
    session: Session,
    connection: Connection,
    described: Described,
    reserved: Reservation,
    decision: Decision,
) -> Verdict:
    """What extproc needs to know of the decision."""
    reason = decision.reasons[0]
    return Verdict(
        exchange=exchange,
        effect=decision.effect,
        connection=connection.name,
        kind=connection.kind,
        snapshot=decision.snapshot,
        session=session.id,
        issuer=identity.issuer,
        subject=identity.subject,
        agent=identity.agent,
        owner=identity.owner,
        jti=identity.jti,
        masking=decision.masking,
        request_masking=decision.request_masking,
        tools_hold=decision.tools_hold,
        tools_hide=decision.tools_hide,
        approval=decision.approval,
        justification=described.justification,
        patience=described.patience,
        rule=reason.rule,
        message=reason.message,
        reasons="\n".join(f"{other.rule}: {other.message}" for other in decision.reasons[1:]),
        restore=decision.restore,
        record=decision.record,
        request_digest=described.digest,
        action=described.action.kind,
        prompt_tokens=reserved.reserved.input_tokens,
    )
