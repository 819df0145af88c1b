"""What a stream wants done. The shell runs commands in order and reports back with events."""

from dataclasses import dataclass, field

from approvals.facts import Ask
from audit.write.event import Draft
from snapshot.answers import Answer
from usage import Amounts, Who


@dataclass(frozen=True, slots=True)
class Command:
    """Base of all commands."""


@dataclass(frozen=True, slots=True)
class HeaderEdit:
    """`put`: a name and all the values it has from now on. `drop`: names that go."""

    put: tuple[tuple[str, tuple[bytes, ...]], ...] = field(default=(), repr=False)
    drop: tuple[str, ...] = ()

    def without(self, name: str) -> "HeaderEdit":
        put = tuple(each for each in self.put if each[0] != name)
        return HeaderEdit(put, (*(each for each in self.drop if each != name), name))


@dataclass(frozen=True, slots=True)
class ExtendTimeout(Command):
    """Envoy waits `seconds` for the answer to the message at hand. Envoy honours one such message per state."""

    seconds: int


@dataclass(frozen=True, slots=True)
class PassHeaders(Command):
    """Request headers may go on; with a body due, Envoy keeps them until the body is answered."""


@dataclass(frozen=True, slots=True)
class PassBody(Command):
    """The buffered request may go to the upstream; `instead`: other bytes, where something was taken out of it."""

    instead: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refuse(Command):
    """A whole answer of ours instead of what was coming; only before response headers went out."""

    answer: Answer = field(repr=False)
    code: str


@dataclass(frozen=True, slots=True)
class SendHeaders(Command):
    edit: HeaderEdit


@dataclass(frozen=True, slots=True)
class SendBody(Command):
    data: bytes = field(repr=False)
    end: bool = False


@dataclass(frozen=True, slots=True)
class SendTrailers(Command):
    edit: HeaderEdit


@dataclass(frozen=True, slots=True)
class Reset(Command):
    """Breaks off an answer that has begun: the caller sees that it is not whole, and never raw bytes."""

    code: str


@dataclass(frozen=True, slots=True)
class Abort(Command):
    """Ends the gRPC stream with an error, for what should not happen at all: Envoy closes the exchange."""

    code: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What an exchange really used, for the counters. `tokens`: keyed, of the values that were seen."""

    exchange: str
    who: Who
    amounts: Amounts
    tokens: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Record(Command):
    """Make these drafts durable, then report Recorded(tag) or RecordFailed(tag). A charge is settled before."""

    tag: str
    drafts: tuple[Draft, ...] = field(repr=False)
    charge: Charge | None = None


@dataclass(frozen=True, slots=True)
class AskApproval(Command):
    """`key`: of a call in an answer; "" for the request itself. Asked, Answered and Consumed name it again."""

    ask: Ask = field(repr=False)
    key: str = ""


@dataclass(frozen=True, slots=True)
class AwaitApproval(Command):
    approval: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Consume(Command):
    approval: str
    digest: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw(Command):
    approval: str


@dataclass(frozen=True, slots=True)
class SetTimer(Command):
    """Report Deadline(name) after `seconds`, unless set again or stopped."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopTimer(Command):
    name: str
