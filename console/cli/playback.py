"""A replay that somebody steers: pause, next, jump, faster, slower. Pure; keys and time come from outside."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.read.timeline import Moment

HELP = "space pause · n next · j next exchange · b back to its beginning · + - speed · q quit"
FASTEST, SLOWEST = 64.0, 1 / 16


@dataclass(slots=True)
class Playback:
    """`due()` says how long to wait for a key; then `take()` gives what to show, or `key()` changes the course."""

    moments: Sequence[Moment]
    at: int = 0
    speed: float = 1.0
    paused: bool = False
    ended: bool = False
    _now: bool = field(default=False)  # the next one without its wait

    def due(self) -> float | None:
        """Seconds to the next moment; None while paused. Asked for only while `going`."""
        if self._now:
            return 0.0
        return None if self.paused else self.moments[self.at].wait_us / 1e6 / self.speed

    @property
    def going(self) -> bool:
        return not self.ended and self.at < len(self.moments)

    def take(self) -> Moment:
        moment = self.moments[self.at]
        self.at += 1
        self._now = False
        return moment

    def key(self, key: str) -> str:
        """What to tell about it; empty for keys that mean nothing."""
        match key:
            case " ":
                self.paused = not self.paused
                return "paused" if self.paused else "goes on"
            case "n":
                self._now = True
                return ""
            case "j":
                self.at, self._now = self._next_exchange(), True
                return "jumped to the next exchange" if self.at < len(self.moments) else "no further exchange"
            case "b":
                self.at, self._now = self._beginning(), True
                return "back to the beginning of the exchange"
            case "+" | "-":
                factor = 2.0 if key == "+" else 0.5
                self.speed = min(FASTEST, max(SLOWEST, self.speed * factor))
                return f"speed {self.speed:g}"
            case "q" | "\x03" | "\x04":
                self.ended = True
                return "stopped"
            case "?" | "h":
                return HELP
        return ""

    def _next_exchange(self) -> int:
        """The first moment of an exchange that has not been seen up to here."""
        seen = {moment.what.exchange for moment in self.moments[: self.at]}
        return next(
            (at for at in range(self.at, len(self.moments)) if self.moments[at].what.exchange not in seen),
            len(self.moments),
        )

    def _beginning(self) -> int:
        if not self.at:
            return 0
        current = self.moments[self.at - 1].what.exchange
        return next(at for at, moment in enumerate(self.moments) if moment.what.exchange == current)
