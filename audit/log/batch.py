"""The next published entries with all that ClickHouse gets of them, from the spools, else from the log itself."""

import base64
import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.log.cursor import Placed, Quarantined
from audit.log.rows import EventRow, FrameRow, Unreadable, event_row, frame_row
from audit.log.spools import OpenSpools, Spooled, SpooledFrame, Spools, beyond_repair, spans
from audit.log.target import TargetAway
from audit.log.tiles import TileReader
from audit.log.tree import leaf_hash

Place = tuple[str, int]  # writer, seq


@dataclass(slots=True)
class Loaded:
    """An entry ready to go. `row` is None if its body cannot be laid out in columns."""

    place: Placed
    body: bytes
    row: EventRow | None
    frames: tuple[FrameRow, ...]


def load(places: Sequence[Placed], spools: Spools, tiles: TileReader, max_bytes: int) -> list[Loaded]:
    """The first of `places` (at least one, if there is any) that make up to `max_bytes` of bodies and frames.

    Raises TargetAway if a spool cannot be read now: frames are nowhere else.
    """
    with spools.open() as opened:
        try:
            return _load(places, opened, tiles, max_bytes)
        except sqlite3.Error as error:
            if not beyond_repair(error):
                raise TargetAway("a spool cannot be read now") from None
            return _load(places, _sound(opened), tiles, max_bytes)


def _load(places: Sequence[Placed], spools: OpenSpools, tiles: TileReader, max_bytes: int) -> list[Loaded]:
    if spools.busy and any(place.writer not in spools for place in places):
        raise TargetAway("a spool cannot be read now")
    reach = {writer: span for writer, span in _reach(places).items() if writer in spools}
    events = {writer: spools[writer].events(*span) for writer, span in reach.items()}
    sizes = {writer: spools[writer].frame_sizes(*span) for writer, span in reach.items()}
    fitting = places[: _fitting(places, events, sizes, max_bytes)]
    frames = _frames(spools, fitting)
    return [
        loaded(place, _body(place, events.get(place.writer, {}), tiles), frames.get((place.writer, place.seq), []))
        for place in fitting
    ]


def _sound(spools: OpenSpools) -> OpenSpools:
    """Without the damaged ones: their events come from the log, their frames are lost."""
    sound = OpenSpools()
    for writer, spool in spools.items():
        with contextlib.suppress(sqlite3.Error):
            spool.check()
            sound[writer] = spool
    return sound


def loaded(place: Placed, body: bytes, frames: Sequence[SpooledFrame]) -> Loaded:
    try:
        row: EventRow | None = event_row(place, body)
    except Unreadable:
        row = None
    return Loaded(place, body, row, tuple(frame_row(frame) for frame in frames))


def _reach(places: Sequence[Placed]) -> dict[str, tuple[int, int]]:
    return spans([(place.writer, place.seq) for place in places])


def _fitting(
    places: Sequence[Placed],
    events: Mapping[str, Mapping[int, Spooled]],
    sizes: Mapping[str, Mapping[int, int]],
    room: int,
) -> int:
    for count, place in enumerate(places):
        event = events.get(place.writer, {}).get(place.seq)
        room -= (len(event.body) if event else 0) + sizes.get(place.writer, {}).get(place.seq, 0)
        if room < 0 and count:
            return count
    return len(places)


def _frames(spools: OpenSpools, places: Sequence[Placed]) -> dict[Place, list[SpooledFrame]]:
    found: dict[Place, list[SpooledFrame]] = {}
    for writer, span in _reach(places).items():
        for frame in spools[writer].frames(*span) if writer in spools else []:
            found.setdefault((writer, frame.seq), []).append(frame)
    return found


def _body(place: Placed, events: Mapping[int, Spooled], tiles: TileReader) -> bytes:
    """The body that was signed. A spool that lost it or tells another story now is not believed."""
    event = events.get(place.seq)
    if event is not None and leaf_hash(event.body) == place.leaf:
        return event.body
    return tiles.body(place.log_index)


# what ClickHouse refused, kept in the cursor database


def set_aside(event: Loaded, reason: str, ts_us: int) -> Quarantined:
    frames = [_to_json(frame) for frame in event.frames]
    place = event.place
    return Quarantined(place.writer, place.seq, place.log_index, reason, ts_us, event.body, json.dumps(frames))


def restored(kept: Quarantined) -> Loaded:
    place = Placed(kept.log_index, kept.writer, kept.seq, leaf_hash(kept.body), hashlib.sha256(kept.body).digest())
    return loaded(place, kept.body, [_from_json(frame) for frame in json.loads(kept.frames)])


def _to_json(frame: FrameRow) -> dict[str, object]:
    plain = frame._asdict()
    return plain | {name: base64.b64encode(plain[name]).decode() for name in ("salt", "sha256", "content")}


def _from_json(plain: dict[str, Any]) -> SpooledFrame:
    salt, content = base64.b64decode(plain["salt"]), base64.b64decode(plain["content"])
    place = (plain["writer"], plain["seq"], plain["ordinal"], plain["direction"], plain["idx"], plain["at"])
    return SpooledFrame(*place, plain["media"], salt, content, plain["exchange"], plain["session"])
