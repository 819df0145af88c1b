"""A timeline as lines to read: facts, and what each side said, with the time of every piece. Pure.

    [Line(tone="hold", title="hold ledger-agent POST /transfers …"), Line(tone="request", pieces=(Piece, …)), …]

Text of a stream is one line of many pieces: a player shows them one after the other, a page without script all at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from audit.read.timeline import Frame, Moment, Note
from audit.read.transcript import Transcript

SPEAKERS = {"request": "agent asked", "response": "agent got"}


@dataclass(frozen=True, slots=True)
class Piece:
    """`play_us`: when a player at speed 1 shows it, from the start, with long pauses shortened."""

    play_us: int
    text: str


@dataclass(slots=True)
class Line:
    """`tone`: allow, deny, hold, mask, fact for notes; request, response for what was said. Times in microseconds."""

    number: int
    exchange: str
    tone: str
    at_us: int  # recorded, from the start of the session
    play_us: int
    title: str
    skipped_us: int = 0  # silence that a player leaves out before it
    pieces: list[Piece] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Story:
    lines: tuple[Line, ...]
    length_us: int  # of a play at speed 1

    def marks(self, *tones: str) -> list[Line]:
        """Where a player may jump to."""
        return [line for line in self.lines if line.tone in tones]


def story(moments: Iterable[Moment]) -> Story:
    """`moments`: of `timeline` at speed 1."""
    teller = _Teller()
    for moment in moments:
        teller.add(moment)
    teller.end()
    return Story(tuple(teller.lines), teller.clock_us)


class _Teller:
    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.clock_us = 0
        self._open: tuple[str, str] | None = None  # the exchange and direction whose text goes on
        self._speech: Line | None = None
        self._transcripts: dict[tuple[str, str], Transcript] = {}

    def add(self, moment: Moment) -> None:
        self.clock_us += moment.wait_us
        if isinstance(moment.what, Note):
            self._note(moment, moment.what)
        else:
            self._frame(moment, moment.what)

    def _note(self, moment: Moment, note: Note) -> None:
        masking = note.type.startswith("masking.")
        if not (masking and self._open and self._open[0] == note.exchange):
            self._open = None  # a masking is told beside the text it was done to, which goes on
        self._line(moment, note.exchange, tone_of(note.type), note.text)

    def _frame(self, moment: Moment, frame: Frame) -> None:
        channel = (frame.exchange, frame.direction)
        text = self._transcripts.setdefault(channel, Transcript()).feed(frame)
        if not text:
            return
        if self._open != channel or self._speech is None:
            title = SPEAKERS.get(frame.direction, frame.direction)
            self._speech = self._line(moment, frame.exchange, frame.direction, title)
            self._open = channel
        self._speech.pieces.append(Piece(self.clock_us, text))

    def _line(self, moment: Moment, exchange: str, tone: str, title: str) -> Line:
        made = Line(len(self.lines) + 1, exchange, tone, moment.offset_us, self.clock_us, title, moment.skipped_us)
        self.lines.append(made)
        return made

    def end(self) -> None:
        """What never became a whole document or event is told as it was recorded."""
        for (exchange, direction), transcript in self._transcripts.items():
            if rest := transcript.finish():
                at = self.lines[-1].at_us if self.lines else 0
                line = Line(len(self.lines) + 1, exchange, direction, at, self.clock_us, f"{direction}, incomplete")
                line.pieces.append(Piece(self.clock_us, rest))
                self.lines.append(line)


def tone_of(type_: str) -> str:
    """The tone of an event's type, e.g. `decision.hold` → hold."""
    family, _, step = type_.partition(".")
    if family == "masking":
        return "mask"
    if family == "approval":
        return {"granted": "allow", "refused": "deny", "expired": "deny"}.get(step, "hold")
    if family == "decision":
        return {"refused": "deny"}.get(step, step)
    return "fact"
