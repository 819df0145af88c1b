"""The cases of a format: what the upstream writes, piece by piece, and which samples are in it."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.leak import cuts
from bench.leak.bodies import BODIES, HEADER
from bench.leak.cuts import Cuts, Effort
from bench.leak.formats import Format
from bench.leak.packed import packer
from bench.leak.samples import Sample, written
from bench.leak.streams import STREAMS
from bench.leak.upstream import Play

FORMATS: tuple[Format, ...] = (*STREAMS, *BODIES)
MANY = 60  # writes in a row; more of them go several at a time, so that a case takes no seconds


@dataclass(frozen=True)
class Case:
    """`name`: for people, how it is cut. `whole`: not cut at all; the other cases must give the same."""

    format: Format
    name: str
    play: Play
    samples: tuple[Sample, ...]
    whole: bool = False


def cases(form: Format, every: Sequence[Sample], effort: Effort) -> Iterator[Case]:
    chosen = tuple(sample for sample in every if form.wanted(sample))
    told = form.carry(written(chosen))
    chosen = tuple(sample for sample in chosen if form.told(sample.told) in told)
    yield Case(form, "whole", _told(form, told, ()), chosen, whole=True)
    for name, where in _told_cuts(form, told, chosen, effort):
        yield Case(form, name, _told(form, told, where), chosen)
    body = _line(told) if form.in_head else b"".join(_packed(form, form.play([told])))
    for name, where in _wire_cuts(form, body, chosen, effort):
        yield Case(form, name, _wire(form, body, where), chosen)


def _told_cuts(form: Format, told: str, chosen: Sequence[Sample], effort: Effort) -> Iterator[tuple[str, Cuts]]:
    if not form.deltas:
        return
    found = cuts.spans(told, [form.told(sample.told) for sample in chosen])
    for number, where in enumerate(cuts.single(found, effort.deltas)):
        yield f"delta cut {number}", where
    for sample, span in list(zip(chosen, found, strict=True))[: effort.bytewise]:
        yield f"{sample.name} in single characters", cuts.every([span])
    chance = random.Random(f"{form.name} told")
    for number in range(effort.chance):
        yield f"deltas by chance {number}", cuts.some(len(told), found, chance)


def _wire_cuts(form: Format, body: bytes, chosen: Sequence[Sample], effort: Effort) -> Iterator[tuple[str, Cuts]]:
    known = [form.wire(sample.told).encode() for sample in chosen]
    found = cuts.spans(body, [each for each in known if each in body]) or [(0, len(body))]
    near = cuts.around(found, len(body))
    for number, where in enumerate(cuts.single(near, effort.wire)):
        yield f"wire cut {number}", where
    yield "every byte", cuts.every(near)
    chance = random.Random(f"{form.name} wire")
    for number in range(effort.chance):
        yield f"wire by chance {number}", cuts.some(len(body), near, chance)


def _told(form: Format, told: str, where: Cuts) -> Play:
    pieces = cuts.pieces(told, where)
    if form.in_head:
        return _wire(form, _line(told), ())
    return _play(form, _packed(form, form.play(pieces)))


def _packed(form: Format, parts: list[bytes]) -> list[bytes]:
    return list(packer(form.encoding)(parts)) if form.encoding else parts


def _wire(form: Format, body: bytes, where: Cuts) -> Play:
    pieces = cuts.pieces(body, where)
    if form.in_head:
        return Play((b"content-type: text/plain\r\n", *pieces), (b"hello",))
    return _play(form, pieces)


def _play(form: Format, writes: Sequence[bytes]) -> Play:
    head = f"content-type: {form.media}\r\n" + (f"content-encoding: {form.encoding}\r\n" if form.encoding else "")
    return Play((head.encode(),), tuple(writes), burst=1 + len(writes) // MANY)


def _line(told: str) -> bytes:
    return f"{HEADER}: {told.replace(chr(10), ' ')}\r\n".encode()
