"""How far the wall clock can be trusted, as the kernel's own clock discipline says (adjtimex(2), Linux). Shell.

`synchronised`: something like ntpd or chronyd keeps it, and `error_us` bounds how wrong it is; `unsynchronised`: nobody
does; `unknown`: the kernel cannot be asked (another system, a sandbox that forbids it). Never a guess.
"""

import ctypes
import functools
import sys
from dataclasses import dataclass

STA_UNSYNC = 0x0040  # linux/timex.h
TIME_ERROR = 5


@dataclass(frozen=True, slots=True)
class Quality:
    """`error_us`: the largest possible error in microseconds, 0 where it is not known."""

    state: str
    error_us: int = 0

    def to_facts(self) -> dict[str, str | int]:
        return {"state": self.state, "error_us": self.error_us}


UNKNOWN = Quality("unknown")


class _Timex(ctypes.Structure):
    """struct timex of 64-bit Linux; `rest` is room for what follows."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    ]


def quality() -> Quality:
    ask = _adjtimex()
    if ask is None:
        return UNKNOWN
    found = _Timex()  # modes 0: nothing is changed, no right is needed
    state = ask(ctypes.byref(found))
    return read(state, found.status, found.maxerror)


def read(state: int, status: int, maxerror: int) -> Quality:
    """`state`: what adjtimex returned, -1 when it refused."""
    if state < 0:
        return UNKNOWN
    if state == TIME_ERROR or status & STA_UNSYNC:
        return Quality("unsynchronised")
    return Quality("synchronised", max(0, maxerror))


@functools.cache
def _adjtimex() -> "ctypes._NamedFuncPointer | None":
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_long) != 8:
        return None
    try:
        return ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
