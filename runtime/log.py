"""Structured logs: one JSON object a line on standard error, without personal data.

An event name and plain fields; never a body, a token or the text of a foreign exception (it may quote content). Of a
line of another library only the place is kept: a parser quotes what it could not parse, asyncio what nobody awaited.
"""

import json
import logging
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from runtime.clock import SystemClock

OURS = "exeat."
MAX_FRAMES = 8


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"ts_us": SystemClock().now_us(), "level": record.levelname.lower(), "part": record.name}
        if record.name.startswith(OURS):
            line["event"] = record.getMessage()
            line.update(getattr(record, "fields", {}))
        else:
            line |= {"event": "foreign", "at": f"{record.module}:{record.lineno}"}
        if record.exc_info and record.exc_info[0]:
            # the type and the places alone: messages may quote what must not be seen
            error = _innermost(record.exc_info[1])
            line["error_type"] = type(error).__name__
            line["error_at"] = _places(error.__traceback__ if error else None)
        return json.dumps(line, default=str, separators=(",", ":"))


def _innermost(error: BaseException | None) -> BaseException | None:
    """What a task group of one wraps says nothing by itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _places(trace: TracebackType | None) -> list[str]:
    """file:line of the innermost frames, without their source."""
    frames = traceback.extract_tb(trace)[-MAX_FRAMES:]
    return [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}" for frame in frames]


def get(name: str) -> logging.Logger:
    return logging.getLogger(OURS + name)


def configure(level: str = "INFO") -> None:
    """Called once by each process's `__main__`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("WARNING")
    logging.getLogger("exeat").setLevel(level)
    _hook_what_nobody_catches()


def _hook_what_nobody_catches() -> None:
    """Python would write the exception's text to standard error: in the main thread, in others, in finalizers."""
    logger = get("uncaught")

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        logger.critical("uncaught", exc_info=(kind, error, trace))

    def in_thread(given: threading.ExceptHookArgs) -> None:
        if given.exc_type is not SystemExit:
            trace = given.exc_traceback
            logger.critical("uncaught", exc_info=(given.exc_type, given.exc_value or given.exc_type(), trace))

    def in_finalizer(given: "sys.UnraisableHookArgs") -> None:
        error = given.exc_value or given.exc_type()
        logger.error("unraisable", exc_info=(given.exc_type, error, given.exc_traceback))

    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, in_thread, in_finalizer
