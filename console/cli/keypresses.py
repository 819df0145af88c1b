"""Single keys from the terminal while something plays. Without a terminal there are none; waiting only waits."""

import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator

Wait = Callable[[float | None], str]


@contextlib.contextmanager
def keys() -> Iterator[Wait]:
    """`wait(seconds)` → the key that was pressed meanwhile, or "". None waits for one without end."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield _only_wait
        return
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    tty.setcbreak(handle)
    try:
        yield lambda seconds: _key(handle, seconds)
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _only_wait(seconds: float | None) -> str:
    time.sleep(seconds or 0.0)
    return ""


def _key(handle: int, seconds: float | None) -> str:
    ready, _, _ = select.select([handle], [], [], seconds)
    return os.read(handle, 1).decode("latin-1") if ready else ""
