"""An answer on its way to the caller: masked, recorded, let go, in this order. Pure.

Headers wait for the first bytes that may go (or the end), so that a body nobody can inspect and a recorder that fails
still become a clean refusal instead of a broken answer. An event stream may be silent for long: its headers go after
HEAD_SECONDS at the latest.
"""

import re
from typing import ClassVar

from audit.write.event import Draft
from extproc import headers as hd
from extproc import record, refusals
from extproc.commands import Command, HeaderEdit, Record, SendBody, SendHeaders, SendTrailers, SetTimer, StopTimer
from extproc.events import Headers
from extproc.flow import Flow, Piece
from extproc.hiding import Hidden, Listing
from extproc.meter import Meter
from extproc.record import Exchange
from extproc.rules import Rules, UnknownConnection
from extproc.spent import generates
from extproc.tools import Call, Kept, keep
from masking import Finding, Masker, Uninspectable
from masking import Stream as MaskingStream
from runtime.errors import GatewayError
from snapshot.answers import error_event
from usage.definitions import Known, Memory

HEAD, BEHIND = "head", "behind"  # timers
HEAD_SECONDS = 0.25
BEHIND_SECONDS = 1.0  # relaxed: how long frames may be ahead of the recorder (DESIGN, principle 1)
LOCAL_BYTES = 64 << 10  # a local reply is an error sentence; anything larger is not one
EVENT_STREAM = "text/event-stream"
LISTED = ("application/json", EVENT_STREAM)  # what an MCP server answers in
SEQUENCE = re.compile(rb'"sequence_number":\s?(\d{1,9})')


class ResponseRefused(GatewayError):
    """The upstream's answer cannot be let go."""

    status: ClassVar[int] = 502


class Partial(ResponseRefused):
    code = "partial_content"


class NotInspected(ResponseRefused):
    code = "uninspectable_response"


class Malformed(ResponseRefused):
    code = "malformed_response"


class TooLong(ResponseRefused):
    code = "local_reply_too_long"


class OverLimit(ResponseRefused):
    """More than the approver let come back."""

    code = "approved_limit"


class Response:
    def __init__(self, exchange: Exchange, rules: Rules, ahead: int, known: Known | None = None) -> None:
        self._exchange, self._rules, self._known = exchange, rules, known or Memory()
        self._recorded = exchange.verdict is not None
        self._relaxed = ahead > 0
        self._flow = Flow(ahead if self._recorded else None)
        self._facts: list[Finding] = []
        self._recording = False
        self._head: HeaderEdit | None = None  # until it was sent
        self._head_due = False
        self._trailers: HeaderEdit | None = None
        self._ended = self._bodyless = False
        self._framed = False  # does the answer say where it ends? Else a connection that breaks looks like its end
        self._stream: MaskingStream | None = None  # None: passes unread, or must stay empty
        self._must_be_empty = False
        self._listing: Listing | None = None  # of an MCP server
        self._listed: list[Draft] = []
        self._restorer: MaskingStream | None = None  # behind the record: tokens become what they were made from
        self._calls: Kept | None = None  # where calls of tools are held
        self._media = ""
        self._came = 0
        self._meter: Meter | None = None
        self._tail = b""  # the last bytes let go
        self._sequence = -1
        self.head_sent = self.complete = False

    # what comes

    def begin(self, headers: Headers, end: bool) -> list[Command]:
        """Raises an Error if this answer must not go."""
        self._exchange.status = self._exchange.upstream_status = hd.status(headers)
        _acceptable(headers)
        marks = [(hd.INSPECTED, self._exchange.id or hd.OUTSIDE)]
        if self._recorded:
            marks.append((hd.DECISION, self._exchange.id))
        masker = self._masker()
        self._head, findings = hd.edit(masker, headers, marks)
        self._facts.extend(findings)
        self._ended = self._bodyless = end
        if end:
            return self._pump()
        shown = dict(self._head.put).get("content-type", (hd.first(headers, "content-type").encode("latin-1"),))
        self._media = hd.essence(shown[0].decode("latin-1"))
        self._framed = bool(hd.first(headers, "content-length") or hd.first(headers, "transfer-encoding"))
        self._stream = self._inspect(masker, headers)
        self._listing = self._list()
        if self.encoded:  # what leaves is what was read
            self._head = self._head.without("content-encoding")
        self._meter = self._measure(headers)
        self._restorer = self._restoring(headers)
        self._calls = self._keep()
        timer: list[Command] = [SetTimer(HEAD, HEAD_SECONDS)] if self._sse and self._stream else []
        return [*timer, *self._pump()]

    def body(self, data: bytes, end: bool, now_us: int) -> list[Command]:
        if self._ended:  # Envoy may send the end twice (envoy issue 46237)
            return []
        self._came += len(data)
        if 0 < self._exchange.max_response_bytes < self._came:
            raise OverLimit
        if not self._recorded and self._came > LOCAL_BYTES:
            raise TooLong
        self._feed(data, now_us)
        if end:
            self._finish(now_us)
        return self._pump()

    def trailers(self, headers: Headers, now_us: int) -> list[Command]:
        if self._trailers is not None or self.complete:
            return []
        if not self._ended:
            self._finish(now_us)
        self._trailers, findings = hd.edit(self._masker(), headers, ())
        self._facts.extend(findings)
        return self._pump()

    def recorded(self) -> list[Command]:
        self._recording = False
        self._flow.recorded()
        stop: list[Command] = [StopTimer(BEHIND)] if self._relaxed else []
        return [*stop, *self._pump()]

    def timer(self, name: str) -> list[Command]:
        if name == HEAD:
            self._head_due = True
        else:
            self._flow.behind = True
        return self._pump()

    # what becomes of it

    def _masker(self) -> Masker:
        verdict = self._exchange.verdict
        return self._rules.response(verdict) if verdict else self._rules.floor(None, "response")

    def _inspect(self, masker: Masker, headers: Headers) -> MaskingStream | None:
        encoding = ", ".join(hd.all_of(headers, "content-encoding")).strip().lower() or "identity"
        media = ", ".join(hd.all_of(headers, "content-type"))
        try:
            if "," not in media.partition(";")[0]:  # of two types, the caller may read the other one
                return masker.stream(media, encoding=encoding)
        except Uninspectable:
            verdict = self._exchange.verdict
            if verdict and self._rules.connection(verdict.connection).passes(media):
                return None
        self._must_be_empty = True  # chunked and without a byte is common: the answer to a notification
        return None

    def _list(self) -> Listing | None:
        verdict = self._exchange.verdict
        if verdict is None or verdict.kind != "mcp" or self._stream is None:
            return None
        if self._media not in LISTED:
            self._must_be_empty = self._must_be_empty or self._exchange.status < 400  # an error may be any text
            return None
        allowed = self._rules.connection(verdict.connection).server_requests
        return Listing(self._media, Hidden(verdict.tools_hide), allowed)

    def _measure(self, headers: Headers) -> Meter | None:
        verdict = self._exchange.verdict
        if verdict is None:
            return None
        try:
            rows = self._rules.connection(verdict.connection).rows
        except UnknownConnection:  # gone with the newest snapshot, and with it what it declared
            rows = ()
        meter = Meter(generates(verdict), rows)
        meter.begin(hd.essence(hd.first(headers, "content-type")))
        if self._stream is not None:
            self._stream.watch = meter.feed
        return meter

    def metered(self) -> Meter | None:
        """What the answer weighed, now that it is over."""
        if self._meter is not None:
            self._meter.finish()
        return self._meter

    def _restoring(self, headers: Headers) -> MaskingStream | None:
        verdict = self._exchange.verdict
        if verdict is None or not verdict.restore or self._stream is None:
            return None
        return self._rules.restorer(verdict).stream(", ".join(hd.all_of(headers, "content-type")))

    def _restored(self, data: bytes, last: bool) -> bytes:
        """What was recorded and may go, with this caller's own tokens turned back."""
        if self._restorer is None:
            return data
        data = self._restorer.feed(data) + (self._restorer.finish() if last and not self.complete else b"")
        self._exchange.restored += sum(found.count for found in self._restorer.take_findings())
        return data

    def _keep(self) -> Kept | None:
        """An answer in which nobody could find a call must not go where calls are held; an error may be any text."""
        verdict = self._exchange.verdict
        if verdict is None or not verdict.tools_hold or (self._exchange.status >= 400 and not self._sse):
            return None
        return keep(dialect_of(verdict.kind, self._exchange.path), self._media, verdict.tools_hold)

    def _feed(self, data: bytes, now_us: int) -> None:
        if data and self._must_be_empty:
            raise NotInspected
        if self._listing is not None:
            data = self._listing.feed(data)
            self._note_listed(self._listing, now_us)
        masked = data if self._stream is None else self._stream.feed(data)
        self._gather(self._calls.feed(masked) if self._calls else masked, now_us)

    def _finish(self, now_us: int) -> None:
        self._ended = True
        rest = b""
        if self._listing is not None and self._stream is not None:
            rest = self._stream.feed(self._listing.finish())
            self._note_listed(self._listing, now_us)
        rest = rest if self._stream is None else rest + self._stream.finish(complete=self._framed and not self._sse)
        self._gather(self._calls.feed(rest) + self._calls.finish() if self._calls else rest, now_us)

    # held calls

    @property
    def holding(self) -> bool:
        """Something is kept until people have answered, or until it is known whether to ask them."""
        return self._calls is not None and self._calls.holding

    @property
    def ended(self) -> bool:
        """The upstream has said all; what is left waits here."""
        return self._ended

    @property
    def events(self) -> bool:
        return self._sse

    def take_calls(self) -> list[Call]:
        return self._calls.take_calls() if self._calls else []

    def decide(self, key: str, refused: str, now_us: int) -> list[Command]:
        """A call goes, or the sentence `refused` in its place."""
        if self._calls is not None:
            self._gather(self._calls.answer(key, refused), now_us)
        return self._pump()

    def keep_alive(self, now_us: int) -> list[Command]:
        """A whole event that means nothing, recorded like all that goes."""
        if self._calls is None or not self._calls.holding:
            return []
        self._gather(self._calls.keep_alive, now_us)
        return self._pump()

    def _note_listed(self, listing: Listing, now_us: int) -> None:
        """What a server's messages were: its tools are compared with what is known of them."""
        seen, verdict = listing.take(), self._exchange.verdict
        if verdict is None:
            return
        before = self._known.seen(verdict.connection, seen.definitions, now_us) if seen.definitions else {}
        masker = self._rules.floor(verdict, "response")
        self._listed += record.listed(self._exchange, seen, before, lambda name: masker.text(name)[0])

    def _gather(self, masked: bytes, now_us: int) -> None:
        if self._stream is not None:
            self._facts.extend(self._stream.take_findings())
        self._flow.add(Piece(now_us, masked))

    def _pump(self) -> list[Command]:
        """Starts the next recording, and lets go what may go."""
        commands = self._record()
        data = self._flow.release()
        settled = not (self._recording or self._facts or self._listed)
        last = self._ended and self._flow.empty and settled and not self.holding
        if self._head and (data or last or (self._head_due and settled)):
            commands += [SendHeaders(self._head), *([StopTimer(HEAD)] if self._sse else [])]
            self._head, self.head_sent = None, True
        commands += self._send(data, last)
        self._exchange.response_bytes = self._flow.let_go
        return commands

    def _record(self) -> list[Command]:
        if not self._recorded:
            self._facts.clear()
        if self._recording or not self._recorded:
            return []
        pieces, findings = self._flow.batch(), self._facts
        if not (pieces or findings or self._listed):  # as after each event of a stream
            return []
        self._facts = []
        drafts = [*self._listed, *self._content(pieces), *record.applied(self._exchange, "response", findings)]
        self._listed = []
        if not drafts:
            return []
        self._recording = True
        timer: list[Command] = [SetTimer(BEHIND, BEHIND_SECONDS)] if self._relaxed else []
        return [Record("response", tuple(drafts)), *timer]

    def _content(self, pieces: list[Piece]) -> list[Draft]:
        if self._stream is None:
            return record.unread(self._exchange, "response", self._media, (piece.data for piece in pieces))
        return record.response_content(self._exchange, self._media, pieces)

    def _send(self, data: bytes, last: bool) -> list[Command]:
        data = self._restored(data, last)
        self._note(data)
        self.complete = self.complete or last
        if last and self._trailers is not None:
            return [*([SendBody(data)] if data else []), SendTrailers(self._trailers)]
        if last and not self._bodyless:
            return [SendBody(data, end=True)]
        return [SendBody(data)] if data else []

    # how it can end early

    def _note(self, data: bytes) -> None:
        if not data:
            return
        if self._sse:
            numbers = SEQUENCE.findall(data)
            self._sequence = int(numbers[-1]) if numbers else self._sequence
        self._tail = (self._tail + data)[-4:]

    def error_end(self, code: str) -> list[Command]:
        """A well-formed last event, if the caller is between two events of a stream; else nothing."""
        between = not self._tail or self._tail.endswith((b"\n\n", b"\r\r", b"\r\n\r\n"))
        if not (self._sse and self.head_sent and between):
            return []
        dialect = dialect_of(self._exchange.kind, self._exchange.path)
        status, sentence = refusals.reason(code)
        number = self._sequence + 1
        event = error_event(dialect, code, sentence, self._exchange.id, sequence=number, status=status)
        return [SendBody(event, end=True)]

    def leftover(self) -> list[Draft]:
        """Facts about bytes that left and are in no recording yet (relaxed only)."""
        return self._content(self._flow.leftover()) if self._recorded else []

    @property
    def encoded(self) -> bool:
        """A few of its bytes can become many."""
        return self._stream is not None and self._stream.encoded

    @property
    def full(self) -> bool:
        return self._flow.full

    @property
    def _sse(self) -> bool:
        return self._media == EVENT_STREAM


def _acceptable(headers: Headers) -> None:
    status = hd.status(headers)
    if status < 200:
        raise Malformed
    if status == 206 or hd.first(headers, "content-type").strip().lower().startswith("multipart/byteranges"):
        raise Partial


def dialect_of(kind: str, path: str) -> str:
    """Which stream of which API this is, for the shape of its last event."""
    if kind in ("openai", "azure_openai"):
        return "openai_responses" if path.partition("?")[0].rstrip("/").endswith("/responses") else "openai_chat"
    return kind
