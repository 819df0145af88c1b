"""Memory of large bodies goes back to the system when they are gone.

glibc keeps what was freed for later, and of a body of 30 MB that was read as JSON this is a lot: authz held 700 to 1100
MB for good after a few of them, ten times of what it needs.
"""

import ctypes


def give_back() -> bool:
    """Some milliseconds, for a thread: ctypes lets go of the interpreter. False where the C library cannot (musl)."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    trim(0)
    return True
