"""A replay as an asciicast (version 2): a terminal recording that `asciinema play` and its web player show.

Source: asciicast v2 file format, docs.asciinema.org. One header line, then [seconds, "o", text] per output.
"""

import io
import json
from collections.abc import Iterable, Iterator

from audit.read.timeline import Moment
from console.cli.player import Player

WIDTH, HEIGHT = 120, 40


def cast(moments: Iterable[Moment], title: str, started_us: int) -> Iterator[str]:
    """Lines. Text is what the replay shows: masked as recorded, control characters made visible."""
    head = {"version": 2, "width": WIDTH, "height": HEIGHT, "timestamp": started_us // 1_000_000, "title": title}
    yield json.dumps(head) + "\n"
    out, seconds = io.StringIO(), 0.0
    player = Player(out=out)
    for moment in moments:
        seconds += moment.wait_us / 1e6
        player.show(moment)
        yield from _taken(out, seconds)
    player.end()
    yield from _taken(out, seconds)


def _taken(out: io.StringIO, seconds: float) -> Iterator[str]:
    text = out.getvalue().replace("\n", "\r\n")
    out.seek(0)
    out.truncate()
    if text:
        yield json.dumps([round(seconds, 6), "o", text], ensure_ascii=False) + "\n"
