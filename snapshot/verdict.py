"""What authz tells extproc, by way of Envoy's dynamic metadata: ids and names, at most 2 KB, strings only.

Strings because numbers in a protobuf Struct are doubles; lists and terms are compact JSON. Empty fields are left out.
Three fields are prose, `reasons`, `justification` and `message`: they are cut to fit. Anything else that
does not fit is an error.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from runtime.errors import GatewayError
from snapshot.decision import ApprovalTerms, Bounds, BreakGlass, Effect, Giver, Justification, Wait

VERSION = "1"
MAX_BYTES = 2048  # keys and values together, UTF-8
PROSE = ("reasons", "justification", "message")  # cut in this order
LISTS = ("masking", "request_masking", "tools_hold", "tools_hide")
CUT_MARK = "…"


class MalformedVerdict(GatewayError):
    """Metadata that is missing, not ours, or of another version. extproc refuses the exchange."""

    code = "malformed_verdict"


class VerdictTooLarge(GatewayError):
    """Names and ids alone exceed MAX_BYTES. authz refuses the exchange."""

    code = "verdict_too_large"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`owner`: the person behind the agent; `rule`, `message`: the first reason's; digests are hex sha256."""

    exchange: str
    effect: Effect
    connection: str
    kind: str
    snapshot: str
    session: str = ""
    issuer: str = ""
    subject: str = ""
    agent: str = ""
    owner: str = ""
    jti: str = ""  # of the caller's token, so that a revocation finds it
    masking: tuple[str, ...] = ()
    request_masking: tuple[str, ...] = ()
    tools_hold: tuple[str, ...] = ()
    tools_hide: tuple[str, ...] = ()
    approval: ApprovalTerms | None = None
    justification: str = ""
    rule: str = ""
    message: str = ""
    reasons: str = ""  # the other ones, a line each: `rule: message`
    restore: bool = False
    record: str = "full"
    patience: int = 0  # seconds that the caller waits for an answer, if it says so
    request_digest: str = ""
    action: str = ""
    prompt_tokens: int = 0  # authz's estimate, for an answer that does not say how many there were

    def to_metadata(self) -> dict[str, str]:
        """Raises VerdictTooLarge."""
        values = {"v": VERSION}
        for name in NAMES:
            value = getattr(self, name)
            if value and (text := _encode(value)):
                values[name] = text
        if size(values) <= MAX_BYTES:
            return values
        for name in PROSE:
            _shorten(values, name)
        if size(values) > MAX_BYTES:
            raise VerdictTooLarge(f"the verdict's names take {size(values)} bytes, at most {MAX_BYTES}")
        return values

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> "Verdict":
        """Reads what `to_metadata` made. Keys that Envoy itself adds are passed over. Raises MalformedVerdict."""
        if metadata.get("v") != VERSION:
            raise MalformedVerdict("there is no verdict of authz with this request")
        known: dict[str, Any] = {name: value for name, value in metadata.items() if name in NAMES}
        if not all(isinstance(value, str) for value in known.values()):
            raise MalformedVerdict("a field of the verdict is not a string")
        for name in ("exchange", "effect", "connection", "kind", "snapshot"):
            if not known.get(name):
                raise MalformedVerdict(f"the verdict has no {name}")
        try:
            return cls(**_decode(known))
        except (ValueError, TypeError, KeyError):
            raise MalformedVerdict("a field of the verdict cannot be read") from None


NAMES = tuple(field.name for field in fields(Verdict))


def size(values: Mapping[str, str]) -> int:
    """Bytes of keys and values in UTF-8."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in values.items())


def _encode(value: object) -> str:
    if isinstance(value, ApprovalTerms):
        usual = asdict(ApprovalTerms())
        return _json({name: item for name, item in asdict(value).items() if item != usual[name]})
    if isinstance(value, tuple):
        return _json(value) if value else ""
    if isinstance(value, bool):
        return "true" if value else ""
    return str(value) if value else ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shorten(values: dict[str, str], name: str) -> None:
    over = size(values) - MAX_BYTES
    if over <= 0 or name not in values:
        return
    keep = len(values[name].encode()) - over - len(CUT_MARK.encode())
    if keep <= 0:
        del values[name]
        return
    values[name] = values[name].encode()[:keep].decode(errors="ignore") + CUT_MARK


def _decode(known: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = dict(known)
    values["effect"] = Effect(known["effect"])
    for name in LISTS:
        values[name] = _strings(json.loads(known[name])) if name in known else ()
    values["prompt_tokens"] = int(known.get("prompt_tokens", "0"))
    values["patience"] = int(known.get("patience", "0"))
    values["restore"] = {"true": True, "": False}[known.get("restore", "")]
    values["approval"] = _terms(json.loads(known["approval"])) if "approval" in known else None
    holds = values["effect"] is Effect.HOLD or (values["effect"] is Effect.ALLOW and values["tools_hold"])
    if holds and values["approval"] is None:
        raise ValueError("a hold without terms")
    return values


def _terms(value: Any) -> ApprovalTerms:
    if not isinstance(value, dict):
        raise ValueError("terms are not an object")
    lists = {name: _strings(value[name]) for name in ("any", "all", "justification_from", "never") if name in value}
    standing = Bounds(**value["standing"]) if "standing" in value else None
    glass = BreakGlass(**value["break_glass"]) if "break_glass" in value else None
    glass = replace(glass, any=_strings(glass.any)) if glass else None
    terms = ApprovalTerms(**{**value, **lists, "standing": standing, "break_glass": glass})
    bounds = [number for given in (standing, glass) if given for number in (given.uses, given.seconds)]
    if type(terms.signature) is not bool:
        raise ValueError("terms that nobody knows")
    if any(type(number) is not int for number in (terms.quorum, terms.expires_s, *bounds)):
        raise ValueError("terms are not integers")
    if not set(terms.justification_from) <= set(get_args(Giver)):
        raise ValueError("terms that nobody knows")
    if terms.wait not in get_args(Wait) or terms.justification not in get_args(Justification):
        raise ValueError("terms that nobody knows")
    return terms


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("not a list of strings")
    return tuple(value)
