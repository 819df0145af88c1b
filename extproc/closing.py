"""How a stream closes: every way to refuse, to cut, and to end, and what is recorded then. Pure; the base of Stream."""

from dataclasses import replace

from extproc import events as ev
from extproc import record, refusals
from extproc.commands import Abort, Charge, Command, Record, Refuse, Reset, Withdraw
from extproc.record import Exchange, Outcome
from extproc.respond import Response
from extproc.revoked import Revoked
from extproc.rules import Rules
from extproc.spent import Spent, spent
from extproc.states import State
from extproc.tools.asking import Asking
from runtime.errors import GatewayError
from snapshot.verdict import MalformedVerdict, Verdict
from usage import Who


class Closing:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.state = State.START
        self.exchange = Exchange()
        self._now = 0
        self._response: Response | None = None
        self._approval = ""  # while it is ours to withdraw
        self._asking = False  # a question is on its way
        self._end_noted = False
        self._asking_calls: Asking | None = None  # where an answer is held at the calls of tools

    # reasons

    def _broken(self, event: ev.Broken) -> list[Command]:
        return [Abort(event.code), *self._end(Outcome.CUT, event.code)]

    def _gone(self, _: ev.Gone) -> list[Command]:
        return self._end(Outcome.CLIENT_GONE, f"while_{self.state}")

    def _revoked(self, event: ev.Revoked) -> list[Command]:
        raise Revoked(event.revocation)

    def _fail(self, code: str) -> list[Command]:
        """Closes: a refusal if nothing has gone yet, else a well-formed last event, else a reset."""
        if self._response is None or not self._response.head_sent:
            return self._refuse(code)
        commands = self._response.error_end(code) or [Reset(code)]
        return commands + self._end(Outcome.CUT, code)

    def _refuse(self, code: str, message: str = "") -> list[Command]:
        kind = self.exchange.kind or self._kind_of_path()
        answer = refusals.answer(kind, code, self.exchange.id, message)
        self.exchange.status = answer.status
        return [Refuse(answer, code), *self._end(Outcome.REFUSED, code)]

    def _kind_of_path(self) -> str:
        """For the shape of an answer before any verdict; without a snapshot, the plain shape."""
        try:
            return self._rules.kind(self.exchange.path)
        except Exception:
            return ""

    # the end

    def _end(self, outcome: Outcome, code: str = "") -> list[Command]:
        commands = self._withdrawn()
        self.state = State.ENDING
        if self.exchange.verdict is None:
            self._end_noted = True
            return commands + self._settle()
        self.exchange.ended = True
        left = self._response.leftover() if self._response else []
        used = spent(self.exchange, self._response.metered() if self._response else None, outcome)
        draft = record.ended(self.exchange, outcome, code, used.to_facts())
        return [*commands, Record("end", (*left, draft), self._charge(self.exchange.verdict, used))]

    def _charge(self, verdict: Verdict, used: Spent) -> Charge:
        who = Who(verdict.issuer, verdict.subject, verdict.agent, verdict.session, verdict.connection)
        return Charge(
            verdict.exchange, who, replace(used.amounts, values=0), self._tokens() if self.exchange.sent else ()
        )

    def _tokens(self) -> tuple[bytes, ...]:
        return tuple(sorted(token.encode() for token in self.exchange.tokens))

    def _withdrawn(self) -> list[Command]:
        approval, self._approval = self._approval, ""
        calls = self._asking_calls.withdraw() if self._asking_calls else []
        return [*([Withdraw(approval)] if approval else []), *calls]

    def _end_recorded(self, event: ev.Recorded) -> list[Command]:
        self._end_noted = self._end_noted or event.tag == "end"
        return self._settle()

    def _end_lost(self, event: ev.RecordFailed) -> list[Command]:
        self._end_noted = self._end_noted or event.tag == "end"
        return self._settle()

    def _settle(self) -> list[Command]:
        """DONE when the end is noted and no question is on its way that would have to be taken back."""
        if self.state is State.ENDING and self._end_noted and not self._asking:
            self.state = State.DONE
        return []

    # what must be there by now

    @property
    def _verdict(self) -> Verdict:
        if self.exchange.verdict is None:
            raise MalformedVerdict
        return self.exchange.verdict

    @property
    def _answering(self) -> Response:
        if self._response is None:
            raise GatewayError("no answer has begun")
        return self._response
