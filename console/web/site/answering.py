"""What a form of a card says, as the answer that approvals is given, or asked to have signed."""

from dataclasses import dataclass

from approvals.client import ApprovalsClient
from approvals.client_signing import SigningClient
from approvals.facts import NOTHING_LESS, Narrowing, Wish
from approvals.machine import Approval
from approvals.signing import Kind
from runtime.errors import CallerError
from snapshot.decision import Bounds

ANSWERS = {"grant": Kind.GRANT, "refuse": Kind.REFUSE, "break-glass": Kind.BREAK_GLASS}


class NoAnswer(CallerError):
    code = "no_answer"


@dataclass(frozen=True, slots=True)
class Given:
    """`assertion`: what an authenticator made of the challenge for the same answer; "" if none was asked."""

    kind: Kind
    approval: str
    shown: str
    reason: str
    less: Narrowing
    wish: Wish | None
    assertion: str

    async def challenge(self, client: ApprovalsClient) -> str:
        about = (self.approval, self.shown, self.reason, self.less, self.wish)
        return await SigningClient(client).challenge(self.kind, *about)

    async def answer(self, client: ApprovalsClient) -> Approval:
        about = (self.approval, self.shown, self.reason)
        match self.kind:
            case Kind.REFUSE:
                return await client.refuse(*about, self.assertion)
            case Kind.BREAK_GLASS:
                return await client.break_glass(*about, self.wish or Wish(1, 60), self.assertion)
        return await client.grant(*about, self.less, self.wish, self.assertion)


async def given(client: ApprovalsClient, approval_id: str, form: dict[str, str]) -> Given:
    """Raises NoAnswer, and what `client.get` raises."""
    kind = ANSWERS.get(form.get("answer", ""))
    if kind is None:
        raise NoAnswer(f"an answer is one of {', '.join(ANSWERS)}")
    less, wish = NOTHING_LESS, None
    if kind is Kind.GRANT:
        approval, _ = await client.get(approval_id)
        less, wish = _narrowing(form), _wish(form, approval.card.terms.standing)
    elif kind is Kind.BREAK_GLASS:
        approval, _ = await client.get(approval_id)
        glass = approval.card.terms.break_glass
        wish = Wish(1, (glass.bounds if glass else Bounds(1, 60)).seconds)  # without one approvals says that nobody may
    words = form.get("reason", "").strip().replace("\r\n", "\n")  # a form posts other line breaks than a script does
    return Given(kind, approval_id, form.get("shown", ""), words, less, wish, form.get("assertion", ""))


def _narrowing(form: dict[str, str]) -> Narrowing:
    """What the form takes away. Raises NoAnswer for a number that is none."""
    profile = form.get("masking", "")
    return Narrowing((profile,) if profile else (), _number(form, "bytes", 0))


def _wish(form: dict[str, str], bounds: Bounds | None) -> Wish | None:
    """The standing grant that the form asks for; what it leaves open is what the policy allows."""
    if bounds is None or not (uses := _number(form, "uses", 0)):
        return None
    minutes = _number(form, "minutes", 0)
    return Wish(uses, minutes * 60 if minutes else bounds.seconds, form.get("action", "").strip())


def _number(form: dict[str, str], name: str, default: int) -> int:
    text = form.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise NoAnswer(f"{name} is a whole number")
    return int(text)
