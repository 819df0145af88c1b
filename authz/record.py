"""What this room says to the evidence. Pure.

`decision.allow|deny|hold`  {effect, status, reasons, snapshot, input_hash, request_digest, method, path, action_kind,
                            model, identity, masking, request_masking, restore, findings, justification, usage, …},
                            the input as its frame;
                            `shadow` {effect, reasons}: what would have been decided if nothing only watched;
                            its span: until it was decided;
                            `usage` {reserved, and per scope what was used in a day}: the input has all windows
`decision.refused`          never reached Rego: {effect: "refused", status, code, …}
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.write import Caller, Draft, Frame, Kind, Span, Value, shortened
from authz.decide import Question
from authz.describe import Described
from authz.session import Session
from identity import Identity
from masking import Finding
from runtime.clock import Steady
from runtime.clock_quality import Quality
from runtime.errors import GatewayError
from snapshot.connections import Connection
from snapshot.current import Snapshot
from snapshot.decision import ApprovalTerms, Decision, Effect
from usage import Reservation

FRAME_BYTES = 256 << 10  # larger content is several frames
MAX_GROUPS = 64  # an event's body holds 60,000 bytes; the input's frame has them all
MAX_FINDINGS = 60  # likewise
WHERE_CHARS = 300
DENIED = 403


@dataclass(slots=True)
class Exchange:
    """What is known so far. A refusal records as much of it as there is."""

    id: str
    at_us: int
    method: str = ""
    request_id: str = ""  # Envoy's, which also names the line of its access log
    snapshot: Snapshot | None = field(default=None, repr=False)
    connection: Connection | None = None
    identity: Identity | None = None
    session: Session | None = None
    request_digest: str = ""
    path: str = ""  # masked
    described: Described | None = None
    time: Steady | None = field(default=None, repr=False)
    clock: Quality | None = None  # of the wall clock
    huge: bool = False  # its body took much memory
    reserved: Reservation | None = None  # held in the counters until it is settled or given back

    @property
    def kind(self) -> str:
        """The shape of our answers."""
        return self.connection.kind if self.connection else ""

    @property
    def known(self) -> Snapshot:
        """The snapshot under which this exchange is read, from its beginning to its end."""
        if self.snapshot is None:
            raise GatewayError("the exchange was not read")
        return self.snapshot

    def whole(self) -> tuple[Session, Connection]:
        if self.session is None or self.connection is None:
            raise GatewayError("the exchange was not described")
        return self.session, self.connection

    def known_request(self) -> tuple[Described, Reservation]:
        if self.described is None or self.reserved is None:
            raise GatewayError("the exchange was not reserved")
        return self.described, self.reserved

    def log_line(self, effect: str) -> dict[str, str]:
        """What Envoy's access log says of an exchange that goes nowhere. Not a verdict: it has no version."""
        return {"exchange": self.id, "effect": effect, "connection": self.connection.name if self.connection else ""}

    def draft(self, effect: str, data: dict[str, Value], frames: tuple[Frame, ...] = ()) -> Draft:
        return Draft(
            kind=Kind.DECISION,
            type=f"decision.{effect}",
            exchange=self.id,
            session=self.session.id if self.session else "",
            connection=self.connection.name if self.connection else "",
            caller=caller(self.identity),
            data={"effect": effect, **data},
            frames=frames,
            span=Span(self.at_us, self.time.elapsed_us(), self.clock) if self.time else None,
        )


def caller(identity: Identity | None) -> Caller:
    return Caller(identity.issuer, identity.subject, identity.agent) if identity else Caller()


def decided(exchange: Exchange, asked: Question, decision: Decision) -> Draft:
    """The decision with the input that it was made on."""
    data: dict[str, Value] = {
        "status": DENIED if decision.effect is Effect.DENY else 0,  # 0: not answered here
        "reasons": [_reason(reason.rule, reason.message, reason.controls) for reason in decision.reasons],
        "snapshot": decision.snapshot,
        "input_hash": asked.hash,
        "masking": list(decision.masking),
        "request_masking": list(decision.request_masking),
        "restore": decision.restore,
        "tools_hold": list(decision.tools_hold),
        "tools_hide": list(decision.tools_hide),
        "usage": _usage(asked.input["usage"]),
        **_facts(exchange),
    }
    if decision.approval is not None:
        data["approval"] = _terms(decision.approval)
    if decision.shadow is not None:
        reasons = [_reason(reason.rule, reason.message, reason.controls) for reason in decision.shadow.reasons]
        data["shadow"] = {"effect": str(decision.shadow.effect), "reasons": reasons}
    return exchange.draft(decision.effect, data, tuple(_frames(asked.content, exchange.at_us)))


def refused(exchange: Exchange, status: int, code: str, revocation: str = "") -> Draft:
    """`code` is ours and stable; nothing of a stranger's request is kept but method and connection.

    `revocation`: id of the one that stopped the caller, if one did.
    """
    data: dict[str, Value] = {"status": status, "code": code, **_facts(exchange)}
    if revocation:
        data["revocation"] = revocation
    return exchange.draft("refused", data)


def _facts(exchange: Exchange) -> dict[str, Value]:
    data: dict[str, Value] = {"method": exchange.method}
    if exchange.request_id:
        data["request_id"] = exchange.request_id
    if exchange.request_digest:
        data["request_digest"] = exchange.request_digest
    if exchange.identity is not None:
        data["identity"] = _identity(exchange.identity)
    if exchange.session is not None:
        data["session_source"] = exchange.session.source
    if exchange.path and exchange.described is None:
        data["path"] = exchange.path
    if exchange.described is not None:
        data.update(_described(exchange.described))
    return data


def _described(described: Described) -> dict[str, Value]:
    data: dict[str, Value] = {
        "path": described.path,
        "size": described.size,
        "action_kind": described.action.kind,
        "model": described.action.model,
        "findings": [_finding(finding) for finding in described.findings[:MAX_FINDINGS]],
        "justification": described.justification,
    }
    if len(described.findings) > MAX_FINDINGS:
        data["findings_total"] = len(described.findings)
    return data


def _identity(identity: Identity) -> dict[str, Value]:
    data: dict[str, Value] = {
        "email": identity.email,
        "groups": list(identity.groups[:MAX_GROUPS]),
        "jti": identity.jti,
        "act": list(identity.act),
        "client": identity.client,
        "owner": identity.owner,
    }
    if len(identity.groups) > MAX_GROUPS:
        data["groups_total"] = len(identity.groups)
    return data


def _usage(given: Mapping[str, Mapping[str, Any]]) -> dict[str, Value]:
    """The numbers that were decided on: of each scope those of a day."""
    day: dict[str, Value] = {scope: found["day"] for scope, found in given.items() if "day" in found}
    return {**day, "reserved": given["reserved"]}


def _reason(rule: str, message: str, controls: tuple[str, ...]) -> dict[str, Value]:
    return {"rule": rule, "message": message, "controls": list(controls)}


def _terms(terms: ApprovalTerms) -> dict[str, Value]:
    return {
        "any": list(terms.any),
        "all": list(terms.all),
        "quorum": terms.quorum,
        "expires_s": terms.expires_s,
        "wait": terms.wait,
        "justification": terms.justification,
        "justification_from": list(terms.justification_from),
        **_in_advance(terms),
    }


def _in_advance(terms: ApprovalTerms) -> dict[str, Value]:
    found: dict[str, Value] = {"never": list(terms.never)} if terms.never else {}
    if terms.signature:
        found["signature"] = True
    if terms.standing is not None:
        found["standing"] = {"uses": terms.standing.uses, "seconds": terms.standing.seconds}
    if terms.break_glass is not None:
        glass = terms.break_glass
        found["break_glass"] = {"any": list(glass.any), "uses": glass.uses, "seconds": glass.seconds}
    return found


def _finding(finding: Finding) -> dict[str, Value]:
    return {
        "rule": finding.rule,
        "version": finding.version,
        "operator": finding.operator,
        "where": shortened(finding.where, WHERE_CHARS),
        "count": finding.count,
        "token": finding.token,
    }


def _frames(content: bytes, at_us: int) -> Iterable[Frame]:
    for index, at in enumerate(range(0, len(content), FRAME_BYTES)):
        yield Frame(index, at_us, "input", "application/json", content[at : at + FRAME_BYTES])
