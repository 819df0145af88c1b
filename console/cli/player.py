"""Moments of a replay as text for a terminal, or for a recording of one."""

from typing import TextIO

import click

from audit.read.timeline import Frame, Moment, Note
from audit.read.transcript import Transcript
from console.words import clean


class Player:
    """Writes moments to the terminal; text of a stream goes on where it stopped until something else comes."""

    def __init__(self, raw: bool = False, out: TextIO | None = None) -> None:
        self._raw, self._out = raw, out
        self._open: tuple[str, str] | None = None  # exchange and direction whose text stands at the end of the output
        self._transcripts: dict[tuple[str, str], Transcript] = {}
        self._later: list[Moment] = []  # what masking did, while the text it was done to still goes on
        self._line_begins = True

    def show(self, moment: Moment) -> None:
        if moment.skipped_us:
            self._heading(moment, f"({moment.skipped_us / 1e6:.1f} s of silence left out)")
        if isinstance(moment.what, Note):
            if self._open and moment.what.exchange == self._open[0] and moment.what.type.startswith("masking."):
                self._later.append(moment)
                return
            self._heading(moment, f"{moment.what.exchange[-8:]}  {moment.what.text}")
        else:
            self._frame(moment, moment.what)

    def _frame(self, moment: Moment, frame: Frame) -> None:
        channel = (frame.exchange, frame.direction)
        text = frame.content.decode("utf-8", "replace") if self._raw else self._transcript(channel).feed(frame)
        if not text:
            return
        if self._open != channel:
            arrow = "→ agent asked" if frame.direction == "request" else "← agent got"
            self._heading(moment, f"{frame.exchange[-8:]}  {arrow}")
            self._open = channel
        self._write(text)

    def _transcript(self, channel: tuple[str, str]) -> Transcript:
        return self._transcripts.setdefault(channel, Transcript())

    def _heading(self, moment: Moment, text: str) -> None:
        self._fresh_line()
        self._open = None
        self._say_later()
        self._echo(click.style(f"[{moment.offset_us / 1e6:9.3f}] {clean(text)}", bold=True) + "\n")

    def _say_later(self) -> None:
        later, self._later = self._later, []
        for moment in later:
            self.show(moment)

    def _write(self, text: str) -> None:
        self._echo(clean(text))
        self._line_begins = text.endswith("\n")

    def say(self, text: str) -> None:
        """A word of the player itself, on a line of its own."""
        self._fresh_line()
        self._open = None
        self._echo(click.style(f"({text})", dim=True) + "\n")

    def _echo(self, text: str) -> None:
        click.echo(text, file=self._out, nl=False, color=True if self._out else None)

    def _fresh_line(self) -> None:
        if not self._line_begins:
            self._echo("\n")
        self._line_begins = True

    def end(self) -> None:
        """What never became a whole document or event is shown as it was recorded."""
        for (exchange, direction), transcript in self._transcripts.items():
            if rest := transcript.finish():
                self._fresh_line()
                self._echo(f"{exchange[-8:]}  {direction}, incomplete:\n{clean(rest)}\n")
        self._fresh_line()
        self._open = None
        self._say_later()
