"""Asking the evidence: decisions, sessions, replays, SQL, all through one `Reader`.

Words: a *question* is SQL with typed parameters, built here or kept as a file; a *timeline* is what happened in a
session, in order, with the pauses between. Questions and timelines are pure; `Reader` is the only shell.

Every read passes `Reader.ask`, which says to its `noted` first what is about to be read: the seam where reads by
people become events. Nothing here writes, and nothing here decides what may be seen: the store's accounts do.
"""

from audit.read.reader import NothingFound, QueryRefused, Question, Read, Reader, StoreSilent

__all__ = ["NothingFound", "QueryRefused", "Question", "Read", "Reader", "StoreSilent"]
