"""`make test-agents`: installs the agent SDKs into .venv-agents and runs tests/agents with the project's own Python."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-agents"
LOCK = ROOT / "requirements" / "agents.lock"


def main() -> None:
    stamp = FOLDER / "exeat.lock"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        print(
            f"Exeat: installing the agent SDKs into {FOLDER} (about 500 MB; claude-agent-sdk carries a large binary).",
            flush=True,
        )
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(FOLDER)
        command = [str(FOLDER / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
        if subprocess.run([*command, "--require-hashes", "-r", str(LOCK)], check=False).returncode != 0:
            sys.exit("Exeat: the installation of the agent SDKs failed (above).")
        stamp.write_bytes(LOCK.read_bytes())
    sys.exit(
        subprocess.run([sys.argv[1], "-m", "pytest", "-m", "agents", "tests/agents"], cwd=ROOT, check=False).returncode
    )


if __name__ == "__main__":
    main()
