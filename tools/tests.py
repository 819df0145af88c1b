"""`make test`: the tests in groups side by side, because most of them wait for processes most of the time.

Each group writes to `build/tests-<name>.log`; what it printed is shown when it has ended. Options go to pytest.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GROUPS = {
    "units": ["tests/unit", "tests/property", "tests/docs"],
    "components": ["tests/component"],
    "whole": ["tests/e2e"],
    "faults": ["tests/fault"],
}
TELL_SECONDS = 60
NONE_CHOSEN = 5  # pytest's code when options leave none of a group


def start(name: str, log: Path) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "not more and not agents and not pair",
        "-o",
        f"cache_dir=build/pytest-{name}",
    ]
    with log.open("wb") as out:
        return subprocess.Popen([*command, *GROUPS[name], *sys.argv[1:]], stdout=out, stderr=out, cwd=ROOT)


def progress(log: Path) -> str:
    """The last share that pytest printed, e.g. `42%`."""
    shares = [part.partition("]")[0].strip() for part in log.read_text("utf-8", "replace").split("[")[1:]]
    return next((share for share in reversed(shares) if share.endswith("%")), "0%")


def _end(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-40:])


def main() -> int:
    (ROOT / "build").mkdir(exist_ok=True)
    left = {name: ROOT / "build" / f"tests-{name}.log" for name in GROUPS}
    running = {name: start(name, log) for name, log in left.items()}
    print(f"Exeat: all tests, in groups side by side: {', '.join(GROUPS)}; about 15 minutes on two cores.", flush=True)
    codes, told = {}, time.monotonic()
    try:
        while left:
            time.sleep(0.5)
            for name in [name for name in left if running[name].poll() is not None]:
                print(f"\n== {name}\n{left.pop(name).read_text('utf-8', 'replace')}", flush=True)
                codes[name] = running[name].returncode
            if left and time.monotonic() - told > TELL_SECONDS:
                told = time.monotonic()
                print("  " + ", ".join(f"{name} {progress(log)}" for name, log in left.items()), flush=True)
    except KeyboardInterrupt:
        for process in running.values():
            process.wait()  # it got the same signal
        return 130
    failed = [name for name, code in codes.items() if code not in (0, NONE_CHOSEN)]
    for name in failed:  # again, as the last thing to be seen
        print(f"== {name}\n{_end(ROOT / 'build' / f'tests-{name}.log')}", flush=True)
    print(f"== {'failed: ' + ', '.join(failed) + ' (above)' if failed else 'all passed'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
