"""`make bench-peers`: installs what the benches compare with into .venv-peers, then runs them; ours stay in .venv."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-peers"
LOCK = ROOT / "requirements" / "peers.lock"


def install() -> None:
    stamp = FOLDER / "exeat.lock"
    if stamp.exists() and stamp.read_bytes() == LOCK.read_bytes():
        return
    print(f"Exeat: installing Presidio and LiteLLM into {FOLDER} (about 900 MB), to compare with.", flush=True)
    venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(FOLDER)
    command = [str(FOLDER / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    if subprocess.run([*command, "--require-hashes", "-r", str(LOCK)], check=False).returncode != 0:
        sys.exit("Exeat: the installation of the peers failed (above).")
    stamp.write_bytes(LOCK.read_bytes())


def main() -> None:
    install()
    sys.exit(subprocess.run([sys.argv[1], "-m", "bench", *sys.argv[2:]], cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
