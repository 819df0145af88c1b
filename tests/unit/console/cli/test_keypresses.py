"""On a real pseudo-terminal: keys reach the player, and the terminal is as before afterwards."""

import os
import pty
import subprocess
import sys
import termios
import time

PROGRAM = """
from console.cli.keypresses import keys
with keys() as wait:
    print("ready", flush=True)
    print("got", repr(wait(None)), repr(wait(0.01)), flush=True)
"""


def test_a_key_is_read_at_once_and_the_terminal_comes_back():
    main, side = pty.openpty()
    before = termios.tcgetattr(side)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=side, stdout=side, stderr=side)
    said = b""
    deadline = time.monotonic() + 30
    while b"ready" not in said and time.monotonic() < deadline:
        said += os.read(main, 1000)
    os.write(main, b" ")
    while b"''" not in said and time.monotonic() < deadline:
        said += os.read(main, 1000)
    assert process.wait(30) == 0
    assert b"got ' ' ''" in said
    assert termios.tcgetattr(side) == before
    os.close(main)
    os.close(side)


def test_without_a_terminal_waiting_is_only_waiting():
    done = subprocess.run([sys.executable, "-c", PROGRAM], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert b"got '' ''" in done.stdout
