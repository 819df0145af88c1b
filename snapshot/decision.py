"""What the policy answered, as a typed value. Anything that is not exactly this shape is refused, never guessed at.

The query is `data.exeat.decision`; its value, with defaults in brackets:

    effect     allow | deny | hold
    reasons    one or more {rule, message, controls []}; the first one is what the caller is told
    approval   {any [], all [], quorum [1], expires_in ["9m"], wait ["hold"], justification ["none"],
                justification_from ["approver"], standing [none] {uses, within},
                break_glass [none] {any, uses [1], within ["1h"]}, never [],
                signature [false]: whether answers must be signed (approvals/signing.py)}
               needed by `hold` and by `tools.hold`, an error on any other allow, without meaning on a deny
    tools      {hold [], hide []}, names of tools; in `hide` also patterns ("delete_*") and exceptions ("!search")
    masking    profile names, on top of the floor []
    request_masking  names of profiles that change the request before it is forwarded; the floor does not []
    restore    whether reversible tokens in the answer are turned back, if this session of this caller made them [false]
    record     what is kept of the content ["full"]
    snapshot   data.snapshot.digest, so that the record names what really decided
    shadow     {effect, reasons} that would have been, where a rule or connection only watches; it is recorded [none]
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeVar

from runtime.errors import GatewayError

MAX_MESSAGE = 500  # characters; a reason is told to the caller and rides in Envoy metadata beside everything else
MAX_REASONS = 32
MAX_NAMES = 64  # tools, profiles or groups in one list
MAX_QUORUM = 20
DEFAULT_EXPIRES = "9m"  # the Anthropic and OpenAI SDKs give up after 600 s and retry
MAX_HOLD_SECONDS = 55 * 60  # Envoy's ext_proc message timeout is capped at one hour
MAX_RESPOND_SECONDS = 7 * 86400
MIN_EXPIRES_SECONDS = 1

MAX_USES = 1000  # of a standing grant; what is used more often wants a rule of its own
MAX_STANDING_SECONDS = 7 * 86400

Wait = Literal["hold", "respond"]
Justification = Literal["none", "optional", "required"]
Giver = Literal["requester", "approver"]
Choice = TypeVar("Choice", bound=str)

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/ -]{0,127}")  # rules, groups, tools
HIDDEN = re.compile(r"!?[A-Za-z0-9_*][A-Za-z0-9_.:/ *-]{0,127}")
PROFILE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
CONTROL = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,79}")  # NIST-800-53:AC-3
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
DURATION = re.compile(r"([1-9][0-9]{0,6})(s|m|h)")
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}


class MalformedDecision(GatewayError):
    """The policy's answer is not a decision. The message names the place, never the value."""

    code = "malformed_decision"


class Effect(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that fired, what it says to the caller, and the controls it serves."""

    rule: str
    message: str
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that a person may give at once: so many uses within so many seconds."""

    uses: int
    seconds: int


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """Who may grant alone in an emergency, and how much; a review is owed afterwards."""

    any: tuple[str, ...]
    uses: int = 1
    seconds: int = 3600

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.uses, self.seconds)


@dataclass(frozen=True, slots=True)
class ApprovalTerms:
    """Who must say yes: `quorum` people of the groups in `any`, and one of each group in `all`.

    `justification_from`: of whom `justification` is asked. `standing`: what the same people may grant in advance.
    `never`: groups whose members do not answer this, whatever other groups they are in (separation of duties).
    `signature`: an answer must carry the signature of its giver.
    """

    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    quorum: int = 1
    expires_s: int = 540
    wait: Wait = "hold"
    justification: Justification = "none"
    justification_from: tuple[Giver, ...] = ("approver",)
    standing: Bounds | None = None
    break_glass: BreakGlass | None = None
    never: tuple[str, ...] = ()
    signature: bool = False

    def needs_justification(self, giver: Giver) -> bool:
        return self.justification == "required" and giver in self.justification_from


@dataclass(frozen=True, slots=True)
class Shadow:
    """What would have been decided if every rule were in force."""

    effect: Effect
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    effect: Effect
    reasons: tuple[Reason, ...]
    snapshot: str
    approval: ApprovalTerms | None = None
    tools_hold: tuple[str, ...] = ()
    tools_hide: tuple[str, ...] = ()
    masking: tuple[str, ...] = ()
    request_masking: tuple[str, ...] = ()
    restore: bool = False
    record: str = "full"
    shadow: Shadow | None = None


def parse(result: object) -> Decision:
    """Reads the value of `data.exeat.decision`. Raises MalformedDecision."""
    fields = _object(result, "decision", KEYS)
    effect = _choice(fields.get("effect"), "effect", tuple(Effect))
    tools = _object(fields.get("tools", {}), "tools", {"hold", "hide"})
    tools_hold = _names(tools.get("hold", []), "tools.hold", NAME)
    return Decision(
        effect=Effect(effect),
        reasons=_reasons(fields.get("reasons")),
        snapshot=_text(fields.get("snapshot"), "snapshot", DIGEST),
        approval=_terms(fields.get("approval"), Effect(effect), tools_hold),
        tools_hold=tools_hold,
        tools_hide=_names(tools.get("hide", []), "tools.hide", HIDDEN),
        masking=_names(fields.get("masking", []), "masking", PROFILE),
        request_masking=_names(fields.get("request_masking", []), "request_masking", PROFILE),
        restore=_boolean(fields.get("restore", False), "restore"),
        record=_choice(fields.get("record", "full"), "record", ("full",)),
        shadow=_shadow(fields.get("shadow")),
    )


KEYS = {
    "effect", "reasons", "approval", "tools", "masking", "request_masking", "restore", "record", "snapshot", "shadow",
}  # fmt: skip
APPROVAL_KEYS = {
    "any", "all", "quorum", "expires_in", "wait", "justification", "justification_from", "standing", "break_glass",
    "never", "signature",
}  # fmt: skip


def duration_seconds(text: object, where: str) -> int:
    """`9m` → 540. Raises MalformedDecision."""
    match = DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise MalformedDecision(f'{where} is not a duration such as "9m"')
    return int(match[1]) * UNIT_SECONDS[match[2]]


def _shadow(value: object) -> Shadow | None:
    if value is None:
        return None
    fields = _object(value, "shadow", {"effect", "reasons"})
    effect = _choice(fields.get("effect"), "shadow.effect", tuple(Effect))
    return Shadow(Effect(effect), _reasons(fields.get("reasons"), "shadow.reasons"))


def _terms(value: object, effect: Effect, tools_hold: tuple[str, ...]) -> ApprovalTerms | None:
    needed = effect is Effect.HOLD or (effect is Effect.ALLOW and bool(tools_hold))
    if value is None:
        if needed:
            raise MalformedDecision("a hold needs `approval`: who may grant it")
        return None
    terms = _approval(value)
    if effect is Effect.DENY:
        return None
    if not needed:
        raise MalformedDecision("`approval` on an allow that holds nothing: either the effect or the terms are wrong")
    return terms


def _approval(value: object) -> ApprovalTerms:
    fields = _object(value, "approval", APPROVAL_KEYS)
    anyone = _names(fields.get("any", []), "approval.any", NAME)
    everyone = _names(fields.get("all", []), "approval.all", NAME)
    if not anyone and not everyone:
        raise MalformedDecision("approval names no group in `any` or `all`: nobody could grant it")
    wait: Wait = _choice(fields.get("wait", "hold"), "approval.wait", ("hold", "respond"))
    expires_s = duration_seconds(fields.get("expires_in", DEFAULT_EXPIRES), "approval.expires_in")
    limit = MAX_HOLD_SECONDS if wait == "hold" else MAX_RESPOND_SECONDS
    if not MIN_EXPIRES_SECONDS <= expires_s <= limit:
        raise MalformedDecision(f"approval.expires_in is longer than {limit} s, the most for wait: {wait}")
    levels: tuple[Justification, ...] = ("none", "optional", "required")
    justification = _choice(fields.get("justification", "none"), "approval.justification", levels)
    return ApprovalTerms(
        anyone,
        everyone,
        _quorum(fields.get("quorum", 1)),
        expires_s,
        wait,
        justification,
        _givers(fields.get("justification_from", ["approver"])),
        _standing(fields.get("standing")),
        _break_glass(fields.get("break_glass")),
        _names(fields.get("never", []), "approval.never", NAME),
        _boolean(fields.get("signature", False), "approval.signature"),
    )


def _givers(value: object) -> tuple[Giver, ...]:
    givers: tuple[Giver, ...] = ("requester", "approver")
    where = "approval.justification_from"
    found = tuple(_choice(item, where, givers) for item in _list(value, where, 2))
    if not found:
        raise MalformedDecision(f"{where} names nobody; leave it out, or say justification: none")
    return tuple(dict.fromkeys(found))


def _standing(value: object) -> Bounds | None:
    if value is None:
        return None
    fields = _object(value, "approval.standing", {"uses", "within"})
    return _bounds(fields.get("uses"), fields.get("within"), "approval.standing")


def _break_glass(value: object) -> BreakGlass | None:
    if value is None:
        return None
    where = "approval.break_glass"
    fields = _object(value, where, {"any", "uses", "within"})
    groups = _names(fields.get("any", []), f"{where}.any", NAME)
    if not groups:
        raise MalformedDecision(f"{where} names no group in `any`: leave it out where nobody may")
    bounds = _bounds(fields.get("uses", 1), fields.get("within", "1h"), where)
    return BreakGlass(groups, bounds.uses, bounds.seconds)


def _bounds(uses: object, within: object, where: str) -> Bounds:
    if isinstance(uses, bool) or not isinstance(uses, int) or not 1 <= uses <= MAX_USES:
        raise MalformedDecision(f"{where}.uses is not an integer from 1 to {MAX_USES}")
    seconds = duration_seconds(within, f"{where}.within")
    if seconds > MAX_STANDING_SECONDS:
        raise MalformedDecision(f"{where}.within is longer than {MAX_STANDING_SECONDS} s")
    return Bounds(uses, seconds)


def _quorum(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_QUORUM:
        raise MalformedDecision(f"approval.quorum is not an integer from 1 to {MAX_QUORUM}")
    return value


def _reasons(value: object, where: str = "reasons") -> tuple[Reason, ...]:
    items = _list(value, where, MAX_REASONS)
    if not items:
        raise MalformedDecision(f"{where} is empty: a decision says why")
    return tuple(_reason(item, f"{where}[{index}]") for index, item in enumerate(items))


def _reason(value: object, where: str) -> Reason:
    fields = _object(value, where, {"rule", "message", "controls"})
    message = fields.get("message")
    if not isinstance(message, str) or not message or len(message) > MAX_MESSAGE or not message.isprintable():
        raise MalformedDecision(f"{where}.message is not a printable line of 1 to {MAX_MESSAGE} characters")
    rule = _text(fields.get("rule"), f"{where}.rule", NAME)
    return Reason(rule, message, _names(fields.get("controls", []), f"{where}.controls", CONTROL))


def _object(value: object, where: str, keys: set[str]) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise MalformedDecision(f"{where} is not an object")
    if not keys.issuperset(value):
        raise MalformedDecision(f"{where} has an unknown key; known are {', '.join(sorted(keys))}")
    return value


def _list(value: object, where: str, most: int) -> Sequence[object]:
    if not isinstance(value, list):
        raise MalformedDecision(f"{where} is not a list")
    if len(value) > most:
        raise MalformedDecision(f"{where} has more than {most} entries")
    return value


def _names(value: object, where: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """A list of distinct names; a Rego set arrives as one, sorted."""
    names = tuple(_text(item, where, pattern) for item in _list(value, where, MAX_NAMES))
    return tuple(dict.fromkeys(names))


def _text(value: object, where: str, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise MalformedDecision(f"{where} is missing or not of the form {pattern.pattern}")
    return value


def _choice(value: object, where: str, choices: tuple[Choice, ...]) -> Choice:
    for choice in choices:
        if value == choice:
            return choice
    raise MalformedDecision(f"{where} is not one of {', '.join(choices)}")


def _boolean(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise MalformedDecision(f"{where} is not true or false")
    return value
