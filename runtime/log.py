"""Structured logs: one JSON object a line on standard error, without personal data.

An event name and plain fields; never a body, a token or the text of a foreign exception (it may quote content).
"""

import json
import logging
import sys
from typing import Any

from runtime.clock import SystemClock


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"ts_us": SystemClock().now_us(), "level": record.levelname.lower(), "part": record.name}
        line["event"] = record.getMessage()
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0]:
            # the type alone: messages and frames may quote what must not be seen
            line["error_type"] = record.exc_info[0].__name__
        return json.dumps(line, default=str, separators=(",", ":"))


def get(name: str) -> logging.Logger:
    return logging.getLogger(f"exeat.{name}")


def configure(level: str = "INFO") -> None:
    """Called once by each process's `__main__`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("WARNING")
    logging.getLogger("exeat").setLevel(level)
