import io
import json
import logging
import subprocess
import sys
from pathlib import Path

from runtime.log import JsonLines

ROOT = Path(__file__).resolve().parents[3]


def test_an_exception_is_its_type_and_never_its_text() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.Logger("exeat.test")
    logger.addHandler(handler)
    try:
        raise ValueError("536-22-1234")
    except ValueError:
        logger.exception("refused", extra={"fields": {"code": "x"}})
    line = json.loads(stream.getvalue())
    assert (line["event"], line["code"], line["error_type"]) == ("refused", "x", "ValueError")
    assert "536" not in stream.getvalue()


def test_a_line_of_another_library_is_its_place_and_never_its_text() -> None:
    record = logging.LogRecord("parser", logging.WARNING, "/x/parser.py", 7, "cannot parse '536-22-1234'", None, None)
    line = json.loads(JsonLines().format(record))
    assert (line["part"], line["event"], line["at"]) == ("parser", "foreign", "parser:7")
    assert "536" not in json.dumps(line)


DYING = """
import asyncio, gc, logging, sys, threading
from runtime import log

SECRET = "536-22" + "-1234"  # the source of a frame would show it in one piece

class Finalizer:
    def __del__(self):
        raise ValueError(SECRET)

def fail():
    raise ValueError(SECRET)

async def loses_a_task():
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)

log.configure()
threading.Thread(target=fail).start()
Finalizer()
asyncio.run(loses_a_task())
fail()
"""


def test_what_nobody_catches_is_logged_without_its_text() -> None:
    """In a thread, in a finalizer, in the loop's callback, and at last in the main thread."""
    command = [sys.executable, "-c", DYING]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert ended.returncode == 1
    assert [line["event"] for line in lines] == ["uncaught", "unraisable", "foreign", "uncaught"]
    assert {line["error_type"] for line in lines} == {"ValueError"}
    assert all("<string>" in line["error_at"][-1] for line in lines)
    assert "536" not in ended.stderr
