"""Requests made whole again: a conversation is recorded turn by turn, each naming what it shares with another. Pure.

Bases are of the same session. What is gone (pruned, or never durable) is said in its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from audit.read.timeline import Frame


@dataclass(frozen=True, slots=True)
class Base:
    """The exchange's request is `prefix` frames of `base`, its own, then the last `suffix` of `base`."""

    base: str
    prefix: int
    suffix: int
    at_us: int
    media: str


def whole(frames: Iterable[Frame], bases: Mapping[str, Base], only: str = "") -> list[Frame]:
    """All frames, requests as one frame each where they have a base. `only`: leave out what other exchanges lent."""
    own: dict[str, list[Frame]] = {}
    others: list[Frame] = []
    for frame in frames:
        if frame.direction == "request":
            own.setdefault(frame.exchange, []).append(frame)
        elif not only or frame.exchange == only:
            others.append(frame)
    wanted = [only] if only else sorted({*own, *bases})
    for exchange in wanted:
        if exchange not in bases:
            others += own.get(exchange, [])
            continue
        first = (
            own.get(exchange) or [Frame(exchange, "request", 0, bases[exchange].at_us, bases[exchange].media, b"")]
        )[0]
        others.append(replace(first, content=b"".join(_parts(exchange, own, bases))))
    return others


def _parts(exchange: str, own: Mapping[str, Sequence[Frame]], bases: Mapping[str, Base]) -> list[bytes]:
    chain = [exchange]
    while chain[-1] in bases and bases[chain[-1]].base not in chain:
        chain.append(bases[chain[-1]].base)
    parts = [frame.content for frame in own.get(chain[-1], [])]
    for name in reversed(chain[:-1]):
        base = bases[name]
        lent = base.prefix + base.suffix
        mine = [frame.content for frame in own.get(name, [])]
        if lent > len(parts):
            parts = [f"[{lent} parts are those of exchange {base.base}, and gone]".encode(), *mine]
        else:
            parts = [*parts[: base.prefix], *mine, *parts[len(parts) - base.suffix :]]
    return parts
