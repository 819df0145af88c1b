"""`make test-more`: what its tests need beside Python goes into build/, then they run. `make tools`: only the former.

    python3 tools/more.py [PYTHON [PYTEST ARGUMENTS …]]

Everything is pinned: Go modules by version and checksum, npm packages by lock and hash. A tool that is not on this
machine, or that cannot download, is a sentence here and a named skip in the tests. With CI=true the second one fails:
tests/kit/more.py says which.
"""

import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
TESTS = ROOT / "tests" / "more"
COMPONENT = ROOT / "tests" / "component"  # those of its tests that start an engine run again, with OPA behind the URL
OPA = ("github.com/open-policy-agent/opa", "1.20.2")  # the version of the embedded engine's library
COMPOSE = ("github.com/compose-spec/compose-go/v2/cmd", "2.16.2")  # the reader of Docker Compose itself
KUSTOMIZE = ("sigs.k8s.io/kustomize/kustomize/v5", "5.5.0")
ENVIRONMENTS = {"schemathesis": "for the tests of the API", "kubernetes": "for the schemas of the Kubernetes API"}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--no-audit", "--no-fund", "--loglevel=error"]


def say(text: str) -> None:
    print(f"Exeat: {text}", flush=True)


def done(command: list[str], what: str, folder: Path = ROOT, **environment: str) -> bool:
    began = time.monotonic()
    ended = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=False)
    if ended.returncode != 0:
        say(f"{what}: failed (above); its tests are skipped, or fail where CI=true")
        return False
    say(f"{what}: ready after {time.monotonic() - began:.0f} s")
    return True


def opa_is_there() -> bool:
    if os.environ.get("OPA_BIN") or shutil.which("opa"):
        return True
    return _pinned(BUILD / "bin" / "opa", OPA[1])


def install_opa() -> None:
    if opa_is_there():
        return
    say(f"building an OPA server, {OPA[1]}, from its Go module: policies must decide alike on it")
    say("  (downloads 25 MB; 2 to 4 minutes with Go's cache empty; OPA_BIN or `opa` on PATH is taken instead)")
    _go_install(OPA, "opa")


def install_compose() -> None:
    if not _pinned(BUILD / "bin" / "compose", COMPOSE[1]):
        say("building compose-go, the reader of Docker Compose: docker-compose.yml must be one")
        _go_install(COMPOSE, "compose")


def install_kustomize() -> None:
    if any(map(shutil.which, ("kustomize", "kubectl"))) or _pinned(BUILD / "bin" / "kustomize", KUSTOMIZE[1]):
        return
    say("building kustomize: deploy/kubernetes must be what it reads (kubectl or kustomize on PATH is taken instead)")
    _go_install(KUSTOMIZE, "kustomize")


def _go_install(module: tuple[str, str], name: str) -> None:
    """The binary goes to build/bin/<name>, its version beside it; Go's module and build caches stay Go's own."""
    path, version = module
    folder = BUILD / "go" / name
    folder.mkdir(parents=True, exist_ok=True)
    command = ["go", "install", "-p", "2", "-trimpath", f"{path}@v{version}"]
    if done(command, name, GOBIN=str(folder), CGO_ENABLED="0"):
        (built,) = folder.iterdir()
        (BUILD / "bin").mkdir(exist_ok=True)
        built.replace(BUILD / "bin" / name)
        (BUILD / "bin" / f"{name}.version").write_text(version)


def _pinned(binary: Path, version: str) -> bool:
    stamp = binary.with_name(f"{binary.name}.version")
    return binary.exists() and stamp.exists() and stamp.read_text() == version


def build_programs() -> None:
    """The tests' own Go programs: tests/more/<name>/go.mod. Go itself knows whether anything changed."""
    for module in sorted(TESTS.glob("*/go.mod")):
        name = module.parent.name
        command = ["go", "build", "-trimpath", "-o", str(BUILD / "bin" / name), "."]
        done(command, f"{name} (a Go program of the tests)", module.parent, CGO_ENABLED="0")


def install_packages() -> None:
    """npm packages, tests/more/<name>/package-lock.json into build/npm/<name>; none of their scripts runs."""
    for lock in sorted(TESTS.glob("*/package-lock.json")):
        folder = BUILD / "npm" / lock.parent.name
        stamp = folder / "installed"
        if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
            continue
        say(f"installing what {lock.relative_to(ROOT)} pins, for the tests beside it (a few MB)")
        folder.mkdir(parents=True, exist_ok=True)
        for file in (lock, lock.with_name("package.json")):
            shutil.copy(file, folder)
        if done(["npm", "ci", "--ignore-scripts", *QUIET], f"npm {folder.name}", folder):
            stamp.write_bytes(lock.read_bytes())


def install_environments() -> None:
    """Python programs that are no library of ours: requirements/<name>.lock into build/venv/<name>."""
    for name, purpose in ENVIRONMENTS.items():
        folder, lock = BUILD / "venv" / name, ROOT / "requirements" / f"{name}.lock"
        stamp = folder / "installed"
        if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
            continue
        say(f"installing what requirements/{name}.lock pins, {purpose} (a few MB)")
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(folder)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
        if done([*pip, "--require-hashes", "-r", str(lock)], name):
            stamp.write_bytes(lock.read_bytes())


def install_chromium() -> None:
    """From the distribution, where we may: it is a browser of 100 MB that the machine then has for everybody."""
    if os.environ.get("CHROMIUM_BIN") or any(map(shutil.which, CHROMIUM)):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        say("no Chromium, and no way to install one (apt as root): set CHROMIUM_BIN; the console's tests are skipped")
        return
    say("installing Debian's package `chromium`, for the console's tests (100 MB)")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if done(["apt-get", "update", "-qq"], "apt's lists", **quiet):
        packages = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
        done(packages, "Chromium", **quiet)


def install_postgres() -> None:
    if shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return
    if not shutil.which("apt-get") or os.geteuid() != 0:
        say("no PostgreSQL, and no way to install one (apt as root): the tests of shared approvals are skipped")
        return
    say("installing Debian's package `postgresql`, for the tests of what gateways share (60 MB)")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if done(["apt-get", "update", "-qq"], "apt's lists", **quiet):
        packages = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
        done(packages, "PostgreSQL", **quiet)


def install() -> None:
    (BUILD / "bin").mkdir(parents=True, exist_ok=True)
    install_chromium()
    install_postgres()
    install_environments()
    if shutil.which("npm"):
        install_packages()
    else:
        say("npm is not on this machine: the tests with Node programs are skipped")
    if shutil.which("go"):
        build_programs()
        install_compose()
        install_kustomize()
        install_opa()
    elif not opa_is_there():
        say("Go is not on this machine, nor an OPA server (OPA_BIN): the tests with them are skipped")


def main() -> None:
    install()
    if len(sys.argv) > 1:
        pytest = [sys.argv[1], "-m", "pytest", "-rs"]
        runs = [[*pytest, "-m", "more", str(TESTS), *sys.argv[2:]]]
        if len(sys.argv) == 2 and opa_is_there():
            runs.append([*pytest, "--opa", "-m", "starts_engines", str(COMPONENT)])
        codes = [subprocess.run(command, cwd=ROOT, check=False).returncode for command in runs]
        sys.exit(next((code for code in codes if code), 0))


if __name__ == "__main__":
    main()
