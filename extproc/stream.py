"""One Envoy stream: events in, commands out. `states.py` is its law, this file what each row does. Pure."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from approvals.facts import Ask, Narrowing, target
from audit.write.event import Draft
from extproc import events as ev
from extproc import headers as hd
from extproc import record, refusals, revoked
from extproc.closing import Closing
from extproc.commands import (
    AskApproval,
    AwaitApproval,
    Command,
    Consume,
    ExtendTimeout,
    PassBody,
    PassHeaders,
    Record,
    SetTimer,
    StopTimer,
    Withdraw,
)
from extproc.hiding import Hidden, without_tools
from extproc.outgoing import outgoing
from extproc.past import Past
from extproc.question import Question
from extproc.record import Outcome
from extproc.resent import Key, Resent, Shared
from extproc.respond import Response
from extproc.rules import Rules
from extproc.showing import Showing
from extproc.states import TABLE, State
from extproc.tools.asking import Asking, Decided
from extproc.tools.call import Call
from masking import Uninspectable
from runtime.errors import CallerError, Error, GatewayError
from snapshot.decision import Effect
from snapshot.verdict import MalformedVerdict, Verdict
from usage.definitions import Known as Definitions

SILENCE, HOLD, ALIVE = "silence", "hold", "alive"  # timers
ALIVE_SECONDS = 10.0  # between signs of life to a caller who waits; proxies on the way give up after 30 s and more
HOLDING = ("anthropic", "openai", "azure_openai")  # kinds whose answers can be held at the call of a tool
HIDING = ("mcp", "anthropic", "openai", "azure_openai", "gemini")  # what has tools to hide
LARGE = 16 << 10  # bytes; masking makes 1 to 300 MB/s, so more of it at once would keep every other stream waiting


class Unsupported(GatewayError):
    """A verdict that wants what this room cannot do; to go on without it would let too much through."""

    code = "unsupported_verdict"


class DigestMismatch(GatewayError):
    code = "digest_mismatch"


class Moved(GatewayError):
    """The connection points elsewhere than when people were asked."""

    code = "upstream_moved"


class UnwantedTrailers(CallerError):
    code = "request_trailers"


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_wait`: seconds. `ahead`: bytes that may leave before they are durable, 0 for `record = "strict"`.

    `silence`: seconds without anything from the upstream, after which its answer is ended.
    """

    max_wait: int = 3300
    ahead: int = 0
    silence: float = 900.0


class Stream(Closing):
    """`handle(event, now_us)` returns commands, to be run in order."""

    def __init__(
        self,
        rules: Rules,
        limits: Limits = Limits(),
        past: Past | None = None,
        revocations: revoked.Known = revoked.NOBODY,
        definitions: Definitions | None = None,
        resent: Resent | None = None,
    ) -> None:
        super().__init__(rules)
        self._resent = resent or Resent()
        self._sent: tuple[Key, list[bytes], Shared | None] | None = None  # on its way to the disk
        self._limits, self._revocations = limits, revocations
        self._showing = Showing(self.exchange, rules, past or Past())
        self.fault = ""  # type of an exception that nobody foresaw, for the log
        self._read: Verdict | None = None  # when it was asked whether this is heavy
        self._question: Question | None = None
        self._alive = False
        self._pass: Command = PassHeaders()
        self._content_type = self._encoding = ""
        self._upstream = ""
        self._definitions = definitions
        self._forwarded = ""  # digest of the body that goes on, where it is not the one that came
        self._outcome = Outcome.ANSWERED

    def handle(self, event: ev.Event, now_us: int) -> list[Command]:
        self._now = self.exchange.now_us = now_us
        row = TABLE[self.state].get(type(event))
        if row is None:
            return [] if self.over else self._fail("unexpected_event")
        before = self.state
        try:
            do: Callable[[ev.Event], list[Command]] = getattr(self, row.do)
            commands = do(event)
        except Error as error:
            if isinstance(error, revoked.Revoked):
                self.exchange.revocation = error.revocation
            commands = self._fail(error.code)
        except Exception as error:
            self.fault = type(error).__name__
            commands = self._fail("internal")
        if self.state not in (before, *row.to, State.ENDING, State.DONE):
            raise AssertionError(f"{before} must not lead to {self.state}")
        return commands

    @property
    def done(self) -> bool:
        return self.state is State.DONE

    @property
    def over(self) -> bool:
        """Nothing is waited for any more but the record of the end."""
        return self.state in (State.ENDING, State.DONE)

    @property
    def wants_input(self) -> bool:
        """False while enough waits for the record or the caller: whoever feeds us stops reading."""
        return self._response is None or not self._response.full

    def heavy(self, event: ev.Event) -> bool:
        """Whether this takes so long that it is handled beside the loop: much to mask, or rules that are new."""
        if isinstance(event, ev.RequestHeaders):
            with suppress(Error):  # `handle` finds the same, and says so
                self._read = Verdict.from_metadata(event.metadata or {})
                return self._rules.cold(self._read)
            return False
        if not isinstance(event, ev.RequestBody | ev.ResponseBody):
            return False
        # a compressed body becomes up to a thousand times as long
        packed = self._response is not None and self._response.encoded
        return len(event.data) << (10 if packed else 0) > LARGE

    # the request

    def _request(self, event: ev.RequestHeaders) -> list[Command]:
        self.exchange.started_us = self._now
        self.exchange.method = hd.first(event.headers, ":method")
        self.exchange.path = hd.first(event.headers, ":path")
        verdict = self.exchange.verdict = self._read or Verdict.from_metadata(event.metadata or {})
        if verdict.effect is Effect.DENY:
            raise MalformedVerdict("a denied request was let on")
        if (verdict.tools_hold and verdict.kind not in HOLDING) or (verdict.tools_hide and verdict.kind not in HIDING):
            raise Unsupported
        revoked.check(self._revocations, verdict)
        self._rules.prepare(verdict)  # a profile that we lack is found before anything goes
        self._patience = Question(verdict, self._limits.max_wait)
        self._question = self._patience if verdict.effect is Effect.HOLD else None
        if verdict.tools_hold:
            self._asking_calls = Asking(self._ask_call, responds=self._patience.responds)
        self._content_type = hd.first(event.headers, "content-type")
        self._encoding = hd.first(event.headers, "content-encoding").strip().lower() or "identity"
        if event.end:
            return self._complete(b"", PassHeaders())
        self.state = State.BODY
        return [PassHeaders()]

    def _body(self, event: ev.RequestBody) -> list[Command]:
        if not event.end:  # a buffered body without its end is followed by trailers
            raise UnwantedTrailers
        return self._complete(event.data, PassBody())

    def _complete(self, body: bytes, then: Command) -> list[Command]:
        """The whole request is here: it must be what was decided, and it is noted before anything else."""
        verdict = self._verdict
        self._pass = then
        self.exchange.request_bytes = len(body)
        extend: list[Command] = [ExtendTimeout(self._question.envoy_seconds)] if self._question else []
        if hashlib.sha256(body).hexdigest() != verdict.request_digest:
            raise DigestMismatch
        body, hidden = self._without_hidden(body)
        body, changed = self._masked(body)
        drafts = [*hidden, *changed, *self._note(body)] if body else [*hidden, *changed]
        if not drafts:
            return extend + self._noted()
        self.state = State.NOTING
        return [*extend, Record("request", tuple(drafts))]

    def _without_hidden(self, body: bytes) -> tuple[bytes, list[Draft]]:
        """What a model must not hear of leaves the request before anybody sees it, and before it is recorded."""
        verdict = self._verdict
        if not verdict.tools_hide or verdict.kind == "mcp":
            return body, []
        left, gone = without_tools(verdict.kind, body, Hidden(verdict.tools_hide))
        if not gone:
            return body, []
        self._pass = PassBody(left)
        self.exchange.request_bytes = len(left)
        self._forwarded = hashlib.sha256(left).hexdigest()
        masker = self._rules.floor(verdict, "request")
        return left, [record.tools(self.exchange, "request", hidden=[masker.text(name)[0] for name in gone])]

    def _masked(self, body: bytes) -> tuple[bytes, tuple[Draft, ...]]:
        """The request as its profiles leave it: this is what goes, what is recorded and what people are shown."""
        out = outgoing(self.exchange, self._rules, self._content_type, self._encoding, body)
        if out.digest:
            self._pass = PassBody(out.body)
            self._forwarded = out.digest
        return out.body, out.drafts

    def _note(self, body: bytes) -> list[Draft]:
        media = hd.essence(self._content_type)
        masker = self._rules.floor(self._verdict, "request")
        try:
            masked = masker.body(self._content_type, body, encoding=self._encoding, complete=True)
        except Uninspectable:
            digest = self._verdict.request_digest
            text = f"A body of {len(body)} bytes that cannot be shown, of type {media or 'unknown'}, SHA-256 {digest}."
            self._showing.note(self._verdict, self._now, None)
            self._showing.content("text/plain", text)
            return record.unread(self.exchange, "request", media, [body])
        self._showing.note(self._verdict, self._now, masked.data)
        if self._question:
            self._showing.content(media, masked.data.decode("utf-8", "replace"), masked.findings)
        parts = record.request_parts(media, masked.data)
        key = (self._verdict.session, self._verdict.connection, media)
        shared = self._resent.shared(key, parts, self._now) if self._verdict.session else None
        self._sent = (key, parts, shared)
        content = record.request_content(self.exchange, media, parts, self._now, shared)
        return [*content, *record.applied(self.exchange, "request", masked.findings)]

    def _noted(self, recorded: ev.Recorded | None = None) -> list[Command]:
        if recorded is not None and self._sent is not None:
            key, parts, shared = self._sent
            self._resent.keep(key, self.exchange.id, parts, shared, self._now)
        self._sent = None
        if self._question is None:
            return self._forward()
        if self._question.terms.needs_justification("requester") and not self._verdict.justification.strip():
            return self._refuse("justification_required")
        self._upstream = self._rules.connection(self._verdict.connection).upstream
        method, path = self.exchange.method, self.exchange.path
        # the same body may book here and delete there: an approval binds where it goes, too
        bound = target(method, path, self._content_type)
        ask = self._question.ask(self._upstream, self._showing.view(self._verdict), bound)
        ask = replace(ask, forwarded_digest=self._forwarded or ask.forwarded_digest)
        self._asking = True
        self.state = State.ASKING
        return [AskApproval(ask)]

    def _forward(self) -> list[Command]:
        revoked.check(self._revocations, self._verdict)
        self.state = State.FORWARDED
        self.exchange.sent = True
        return [self._pass, SetTimer(SILENCE, self._limits.silence)]

    # the hold

    def _asked(self, event: ev.Asked) -> list[Command]:
        self._asking = False
        if event.state == "granted":
            return self._consume(event.approval, event.narrowing)
        if event.state == "requested" and self._question and self._question.responds:
            return self._refuse("approval_required", f"{self._verdict.message} Approval {event.approval}")
        self._approval = event.approval
        self.state = State.HOLDING
        seconds = self._question.wait(self._elapsed) if self._question else 0
        return [AwaitApproval(event.approval), SetTimer(HOLD, seconds)]

    def _answered(self, event: ev.Answered) -> list[Command]:
        stop: list[Command] = [StopTimer(HOLD)]
        if event.state == "granted":
            return stop + self._consume(self._approval, event.narrowing)
        self._approval = ""
        return stop + self._refuse(f"approval_{event.state}", event.message)

    def _consume(self, approval: str, less: Narrowing) -> list[Command]:
        """The world may have changed while people thought: the release is checked again, then used once."""
        verdict = self._verdict
        self.exchange.verdict = replace(verdict, masking=tuple(dict.fromkeys((*verdict.masking, *less.masking))))
        self.exchange.max_response_bytes = less.max_response_bytes
        self._rules.response(self._verdict)
        if self._rules.connection(self._verdict.connection).upstream != self._upstream:
            raise Moved
        self._approval = approval
        self.state = State.CONSUMING
        return [Consume(approval, self._forwarded or self._verdict.request_digest)]

    def _consumed(self, event: ev.Consumed) -> list[Command]:
        self._approval = ""
        return self._forward() if event.ours else self._refuse("approval_used")

    def _hold_expired(self, _: ev.Deadline) -> list[Command]:
        if self._question and self._question.impatient:
            sentence = refusals.reason("approval_pending")[1]
            return self._refuse("approval_pending", f"{sentence} Approval {self._approval}.")
        return self._refuse("approval_expired")

    def _hold_failed(self, event: ev.HoldFailed) -> list[Command]:
        self._asking = False
        return self._fail(event.code)

    def _asked_late(self, event: ev.Asked) -> list[Command]:
        """The question got through after nobody waited any more."""
        self._asking = False
        return [Withdraw(event.approval), *self._settle()]

    def _hold_failed_late(self, _: ev.HoldFailed) -> list[Command]:
        self._asking = False
        return self._settle()

    # the answer

    def _answer(self, event: ev.ResponseHeaders) -> list[Command]:
        if hd.first(event.headers, hd.ENVOY_REPLY):
            self._outcome = Outcome.LOCAL_REPLY
        return self._begin(event)

    def _instead(self, event: ev.ResponseHeaders) -> list[Command]:
        """Envoy answers by itself, e.g. after a timeout of its own: nobody waits for people any more."""
        self._outcome = Outcome.LOCAL_REPLY
        return [StopTimer(HOLD), *self._withdrawn(), *self._begin(event)]

    def _outside(self, event: ev.ResponseHeaders) -> list[Command]:
        """A local reply without an exchange, e.g. what authz refused: masked with the floor, bounded."""
        self.exchange.started_us = self._now
        return self._begin(event)

    def _begin(self, event: ev.ResponseHeaders) -> list[Command]:
        self.state = State.ANSWERING
        self._response = Response(self.exchange, self._rules, self._limits.ahead, self._definitions)
        commands = self._response.begin(event.headers, event.end)
        if self._asking_calls and not event.end and not self._response.events:
            # a document is kept with its headers, and Envoy waits for these
            commands = [ExtendTimeout(self._patience.envoy_seconds), *commands]
        return self._flowing(commands)

    def _answer_body(self, event: ev.ResponseBody) -> list[Command]:
        return self._flowing(self._answering.body(event.data, event.end, self._now))

    def _answer_trailers(self, event: ev.ResponseTrailers) -> list[Command]:
        return self._flowing(self._answering.trailers(event.headers, self._now))

    def _flowing(self, commands: list[Command]) -> list[Command]:
        """After each message of the upstream: it may be silent anew, or all is over."""
        if self._answering.complete:
            return commands + self._end(self._outcome)
        commands = [*commands, *self._new_calls()]
        if self._answering.ended:  # the upstream has nothing more to say; people may
            return [*commands, StopTimer(SILENCE)]
        return [*commands, SetTimer(SILENCE, self._limits.silence)]

    def _answer_recorded(self, event: ev.Recorded) -> list[Command]:
        if event.tag != "response":
            return []
        commands = self._answering.recorded()
        return commands + (self._end(self._outcome) if self._answering.complete else [])

    def _answer_timer(self, event: ev.Deadline) -> list[Command]:
        if event.name == ALIVE:
            self._alive = self._answering.holding
            again: list[Command] = [SetTimer(ALIVE, ALIVE_SECONDS)] if self._alive else []
            return [*self._answering.keep_alive(self._now), *again]
        if event.name == HOLD:
            return self._decided(*self._call_holds.expired())
        return self._silent(event) if event.name == SILENCE else self._answering.timer(event.name)

    # calls that are held in the answer

    @property
    def _call_holds(self) -> Asking:
        if self._asking_calls is None:
            raise MalformedVerdict
        return self._asking_calls

    def _new_calls(self) -> list[Command]:
        commands: list[Command] = []
        if self._answering.holding and not self._alive and self._answering.events:
            self._alive = True
            commands.append(SetTimer(ALIVE, ALIVE_SECONDS))
        calls = self._answering.take_calls()
        if not calls:
            return commands
        revoked.check(self._revocations, self._verdict)
        # a stream shows signs of life; of a document its caller hears nothing
        waits = self._patience.wait_seconds if self._answering.events else self._patience.wait(self._elapsed)
        return [*commands, *self._call_holds.begin(calls), SetTimer(HOLD, waits)]

    @property
    def _elapsed(self) -> float:
        """Seconds since the request came."""
        return (self._now - self.exchange.started_us) / 1e6

    def _ask_call(self, call: Call) -> Ask:
        verdict = self._verdict
        self._upstream = self._rules.connection(verdict.connection).upstream
        view = self._showing.call(verdict, call, self._now)
        ask = self._patience.ask(self._upstream, view, target("CALL", call.tool, self.exchange.path))
        return replace(ask, received_digest=view.digest, forwarded_digest=view.digest)

    def _call_asked(self, event: ev.Asked) -> list[Command]:
        """The request's own question may come late; those of calls have a key."""
        if not event.key or self._asking_calls is None:
            return self._asked_late(event)
        return self._decided(*self._asking_calls.asked(event))

    def _call_answered(self, event: ev.Answered) -> list[Command]:
        if not event.key or self._asking_calls is None:
            return []
        revoked.check(self._revocations, self._verdict)
        return self._decided(*self._asking_calls.answered(event))

    def _call_consumed(self, event: ev.Consumed) -> list[Command]:
        if not event.key or self._asking_calls is None:
            return []
        return self._decided([], self._asking_calls.consumed(event))

    def _call_failed(self, event: ev.HoldFailed) -> list[Command]:
        return self._fail(event.code) if event.key else self._hold_failed_late(event)

    def _decided(self, commands: list[Command], decided: list[Decided]) -> list[Command]:
        for key, refused in decided:
            commands = [*commands, *self._answering.decide(key, refused, self._now)]
        if decided and not self._call_holds.open:
            commands = [*commands, StopTimer(HOLD)]
        return commands + (self._end(self._outcome) if self._answering.complete else [])

    # what may go wrong

    def _silent(self, _: ev.Deadline) -> list[Command]:
        return self._fail("upstream_silent")

    def _not_recorded(self, event: ev.RecordFailed) -> list[Command]:
        return self._fail(event.code)

    def _unwanted(self, _: ev.RequestTrailers) -> list[Command]:
        raise UnwantedTrailers

    def _nothing(self, _: ev.Event) -> list[Command]:
        return []
