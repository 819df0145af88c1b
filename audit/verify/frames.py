"""Frames against the events that name them. Pure.

An event holds the salted hash of each of its frames, so a frame can be checked as long as it is kept, and guessed
from its hash never. Frames come after their events, sorted by (writer, seq, ordinal).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from audit.verify.body import Event, NamedFrame
from audit.verify.findings import Finding, Flaw, Report
from audit.verify.retention import Retention

OTHER = "its content is not what the event names"


@dataclass(slots=True)
class FrameRecord:
    """A frame as it is stored. `digest`: SHA-256 of salt ‖ content; `length`: of the content."""

    writer: str
    seq: int
    ordinal: int
    direction: str
    index: int
    at_us: int
    media: str
    length: int
    digest: bytes
    claimed: bytes  # the digest that stands beside it


class Expected:
    """The frames that a stretch of events names."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, int], tuple[NamedFrame, ...]] = {}
        self._places: dict[tuple[str, int], int] = {}  # log indexes
        self._writers: dict[str, tuple[int, int]] = {}

    def add(self, event: Event, log_index: int) -> None:
        self._named[event.writer, event.seq] = event.frames
        self._places[event.writer, event.seq] = log_index
        first, last = self._writers.get(event.writer, (event.seq, event.seq))
        self._writers[event.writer] = (min(first, event.seq), max(last, event.seq))

    def spans(self) -> dict[str, tuple[int, int]]:
        """First and last sequence per writer: where frames of these events can be."""
        return dict(self._writers)

    def clear(self) -> None:
        self._named.clear()
        self._places.clear()
        self._writers.clear()

    def check(self, stored: Iterable[FrameRecord], report: Report, retention: Retention) -> None:
        """Every named frame is there once and as named, or gone and changed as the log says; nothing else is."""
        seen: set[tuple[str, int, int]] = set()
        for frame in stored:
            report.frames += 1
            problem = self._problem(frame, seen)
            if problem:
                message = f"frame {frame.ordinal}: {problem}"
                index = self._places.get((frame.writer, frame.seq))
                finding = Finding(Flaw.FRAME, message, index, frame.writer, frame.seq)
                if problem == OTHER:
                    place = (frame.writer, frame.seq, frame.ordinal)
                    retention.frame_other(place, frame.digest, frame.length, finding)
                else:
                    report.add(finding)
        for (writer, seq), frames in self._named.items():
            for ordinal, named in enumerate(frames):
                if (writer, seq, ordinal) not in seen:
                    message = f"frame {ordinal} of {len(frames)} is not there"
                    finding = Finding(Flaw.FRAME, message, self._places[writer, seq], writer, seq)
                    retention.frame_missing(named, finding)

    def _problem(self, frame: FrameRecord, seen: set[tuple[str, int, int]]) -> str:
        place = (frame.writer, frame.seq, frame.ordinal)
        frames = self._named.get((frame.writer, frame.seq), ())
        if frame.ordinal >= len(frames):
            return "no event names it"
        if place in seen:
            return "stored a second time"
        seen.add(place)
        named = frames[frame.ordinal]
        if frame.digest != named.digest:
            # masked anew it must still have its place, and the digest beside it must fit
            placed = (frame.index, frame.at_us, frame.media) == (named.index, named.at_us, named.media)
            return OTHER if placed and frame.claimed == frame.digest else f"{OTHER}, nor are the columns beside it"
        if frame.claimed != frame.digest:
            return "its content does not have the hash that stands beside it"
        told = (frame.direction, frame.index, frame.at_us, frame.media, frame.length)
        true = (named.direction, named.index, named.at_us, named.media, named.length)
        return "" if told == true else "time, place or type is not what the event names"
