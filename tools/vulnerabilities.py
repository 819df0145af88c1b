"""`make audit`: asks the vulnerability database about every locked package, and says so where it could not.

    python3 tools/vulnerabilities.py [--service pypi|osv]

pip-audit runs in an environment of its own (requirements/audit.lock into build/venv/audit). Its exit code alone would
not do: it also ends with 0 when it could look up nothing. Ours: 0 every package was looked up and none is known to be
vulnerable; 1 some are; 2 not every package could be looked up, which is no clean bill.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "venv" / "audit"
LOCK = ROOT / "requirements" / "audit.lock"
LOCKS = ("run", "engine", "demo", "dev")
ASK_SECONDS = 300


def installed() -> bool:
    stamp = FOLDER / "installed"
    if stamp.exists() and stamp.read_bytes() == LOCK.read_bytes():
        return True
    print(f"Exeat: installing pip-audit into {FOLDER} (a few MB).", flush=True)
    venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(FOLDER)
    pip = [str(FOLDER / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    if subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=False).returncode != 0:
        return False
    stamp.write_bytes(LOCK.read_bytes())
    return True


def asked(name: str, service: str) -> list[dict[str, Any]] | str:
    """One lock's packages as pip-audit answers; a sentence when it gave no answer."""
    lock = ROOT / "requirements" / f"{name}.lock"
    command = [str(FOLDER / "bin" / "pip-audit"), "--disable-pip", "--require-hashes", "-r", str(lock)]
    options = ["--vulnerability-service", service, "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        ended = subprocess.run([*command, *options], capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
        answer: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
        return answer
    except subprocess.TimeoutExpired:
        return f"{name}.lock: no answer within {ASK_SECONDS} s"
    except (ValueError, KeyError):
        lines = [line for line in ended.stderr.splitlines() if line.strip()]
        return f"{name}.lock: {lines[-1][:200] if lines else 'pip-audit said nothing'}"


def judged(answers: list[list[dict[str, Any]] | str]) -> tuple[int, list[str]]:
    """Exit code and sentences."""
    trouble = [answer for answer in answers if isinstance(answer, str)]
    rows = {
        (row["name"], row.get("version", "")): row
        for answer in answers
        if not isinstance(answer, str)
        for row in answer
    }
    unknown = sorted(row["name"] for row in rows.values() if "skip_reason" in row)
    bad = [
        f"{row['name']} {row['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none yet'}"
        for row in rows.values()
        for found in row.get("vulns", [])
    ]
    known = len(rows) - len(unknown)
    if bad:
        return 1, [*bad, f"{known} packages looked up, {len(unknown)} not."]
    if trouble or unknown or not rows:
        some = f": {', '.join(unknown[:5])}{' …' if len(unknown) > 5 else ''}" if unknown else ""
        return 2, [
            *trouble,
            f"{known} packages looked up and not known to be vulnerable; {len(unknown)} could not be looked up{some}.",
            "This is no clean bill: run it where the vulnerability database can be reached.",
        ]
    return 0, [f"{known} packages looked up, none is known to be vulnerable."]


def main() -> None:
    service = sys.argv[sys.argv.index("--service") + 1] if "--service" in sys.argv else "pypi"
    if not installed():
        sys.exit("Exeat: pip-audit could not be installed (above); nothing was looked up.")
    code, sentences = judged([asked(name, service) for name in LOCKS])
    for sentence in sentences:
        print(f"Exeat: {sentence}")
    sys.exit(code)


if __name__ == "__main__":
    main()
