"""What was freed leaves the process."""

import subprocess
import sys
from pathlib import Path

import pytest

from runtime import memory

SCRIPT = """
from pathlib import Path
from runtime import memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

kept = [bytes(2000) for _ in range(50_000)]
last = bytes(2000)  # at the top of the heap: without help nothing below it goes
full = resident()
del kept
memory.give_back()
print(full - resident())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists() or not memory.give_back(), reason="needs Linux and glibc")
def test_freed_memory_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 10_000  # pages; 50,000 blocks of 2 KB are 24,000
