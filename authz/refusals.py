"""Refusals of strangers: the first of a kind is recorded at once, the others of the same window as a sum. Pure.

Whoever carries no valid token must not be able to fill the spool, yet what they tried must not vanish. There are as
many kinds as codes times connections, both of which are ours, so the sums are few.
"""

from dataclasses import dataclass, replace

from audit.write import Draft, Span, Value

WINDOW_US = 10_000_000


@dataclass(slots=True)
class _Sum:
    draft: Draft
    until_us: int
    first_us: int = 0
    last_us: int = 0
    count: int = 0


class Refusals:
    def __init__(self, window_us: int = WINDOW_US) -> None:
        self._window_us = window_us
        self._sums: dict[tuple[str, str], _Sum] = {}

    def note(self, code: str, draft: Draft, now_us: int) -> bool:
        """True if this one is to be recorded by itself; otherwise it is in the sum."""
        kind = (code, draft.connection)
        found = self._sums.get(kind)
        if found is None:
            self._sums[kind] = _Sum(draft, now_us + self._window_us)
            return True
        found.count += 1
        found.first_us = found.first_us or now_us
        found.last_us = now_us
        return False

    def due(self, now_us: int, *, all_of_them: bool = False) -> list[Draft]:
        """The sums of windows that are over. Windows without a second refusal leave nothing."""
        over = [kind for kind, found in self._sums.items() if all_of_them or found.until_us <= now_us]
        sums = [self._sums.pop(kind) for kind in over]
        return [_draft(found) for found in sums if found.count]


def _draft(found: _Sum) -> Draft:
    data: dict[str, Value] = {
        **{key: found.draft.data[key] for key in ("effect", "status", "code")},
        "count": found.count,
        "first_us": found.first_us,
        "last_us": found.last_us,
    }
    span = Span(found.first_us, max(0, found.last_us - found.first_us))
    return replace(found.draft, exchange="", data=data, frames=(), span=span)
