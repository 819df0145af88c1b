"""What Exeat is made of: the locked packages, their licences, and the bill of materials (SBOM).

    python tools/packages.py check           # hashes, licences, reasons; one sentence for each thing that is wrong
    python tools/packages.py learn           # licences of new packages, from what is installed
    python tools/packages.py sbom [FILE]     # CycloneDX 1.6, JSON [build/exeat.cdx.json]

Nothing here asks a network. Whether a version is known to be vulnerable, `make audit` asks (tools/vulnerabilities.py).
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from license_expression import AND, ExpressionError, get_spdx_licensing

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
LICENCES = REQUIREMENTS / "licences.yaml"
SBOM = ROOT / "build" / "exeat.cdx.json"
RUN, DEVELOPMENT = ("run", "engine"), ("demo", "dev")
PIN = re.compile(r"([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? ?\\?$")
HASH = re.compile(r"--hash=(\w+):([0-9a-f]+)")
SPDX = get_spdx_licensing()
# words of older metadata that mean one SPDX expression; "BSD" alone does not: such a licence is looked up by hand
OLD_WORDS = {
    "apache 2.0": "Apache-2.0",
    "bsd 2-clause license": "BSD-2-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "the mit license (mit)": "MIT",
    "mit license": "MIT",
    "psfl": "PSF-2.0",
}


@dataclass(frozen=True)
class Package:
    """One pinned version. `needed_by` are packages, or `run.in` and the like where it is asked for directly."""

    name: str
    version: str
    marker: str
    hashes: tuple[tuple[str, str], ...]
    needed_by: tuple[str, ...] = field(compare=False)

    @property
    def ref(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def locked(*levels: str) -> list[Package]:
    """The packages of these locks, each version once, by name."""
    found = {package.ref: package for level in reversed(levels) for package in _read(level)}
    return [found[ref] for ref in sorted(found)]


def _read(level: str) -> Iterator[Package]:
    block: list[str] = []
    for line in [*(REQUIREMENTS / f"{level}.lock").read_text("utf-8").splitlines(), ""]:
        if block and not line.startswith("    "):
            yield _package(block)
            block = []
        if line:
            block.append(line)


def _package(block: list[str]) -> Package:
    pin = PIN.match(block[0])
    if pin is None:
        raise SystemExit(f"not a pinned package: {block[0]}")
    words = [word for line in block for word in re.findall(r"^ +#(?:   | via (?=\S))(\S+)$|^ +#   (-r \S+)$", line)]
    needed = sorted({(one or other).removeprefix("-r ") for one, other in words} | set(_files(block)))
    hashes = tuple((one, value) for line in block for one, value in HASH.findall(line))
    return Package(pin[1].lower(), pin[2], pin[3] or "", hashes, tuple(needed))


def _files(block: list[str]) -> Iterator[str]:
    for line in block:
        yield from re.findall(r"^ +#.* -r (\S+)$", line)


def licences() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(LICENCES.read_text("utf-8"))
    return {**document, "packages": document["packages"] or {}}


def problems() -> list[str]:
    """A sentence for each thing that keeps a lock from being shipped."""
    known = licences()
    reasons = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    run = {package.ref for package in locked(*RUN)}
    found = []
    for package in locked(*RUN, *DEVELOPMENT):
        allowed = known["allowed"] + ([] if package.ref in run else known["allowed_in_development"])
        found += [f"{package.name}: {what}" for what in _wrong(package, known["packages"], allowed, reasons)]
    names = {package.name: package.version for package in locked(*RUN, *DEVELOPMENT)}
    found += [
        f"{name}: requirements/licences.yaml says what {inner['in']} carries; the lock has {names.get(name)}"
        for name, inner in known["carried"].items()
        if names.get(name) != inner["in"]
    ]
    found += [f"{name}: in licences.yaml, but no lock has it" for name in known["packages"] if name not in names]
    return found


def _wrong(package: Package, known: dict[str, str], allowed: list[str], reasons: str) -> Iterator[str]:
    if not package.hashes or any(kind != "sha256" or len(value) != 64 for kind, value in package.hashes):
        yield "is not pinned by SHA-256"
    expression = known.get(package.name)
    if expression is None:
        yield "has no licence in requirements/licences.yaml: `python tools/packages.py learn`, or look it up"
    elif not permitted(expression, allowed):
        yield f"its licence, {expression}, is not one of those that requirements/licences.yaml allows"
    said = installed_licence(package.name)
    if said and expression and not _same(said, expression):
        yield f"says {said} of itself, requirements/licences.yaml says {expression}"
    if not package.needed_by:
        yield "the lock does not say what needs it"
    named = re.search(rf"`{package.name.replace('-', '[-.]')}[`\[]", reasons)
    if any(by.endswith(".in") for by in package.needed_by) and not named:
        yield "is asked for directly, and docs/dependencies.md does not say why"


def permitted(expression: str, allowed: list[str]) -> bool:
    """True when one may choose so that only allowed licences remain: all of an AND, one of an OR."""
    try:
        tree = SPDX.parse(expression, validate=True, strict=True)
    except ExpressionError:
        return False
    return bool(tree is not None and _permitted(tree, allowed))


def _permitted(tree: Any, allowed: list[str]) -> bool:
    if not getattr(tree, "args", ()):
        return str(tree) in allowed
    return (all if isinstance(tree, AND) else any)(_permitted(part, allowed) for part in tree.args)


def installed_licence(name: str) -> str | None:
    """What an installed package says of itself, as an SPDX expression; None where it says none, or is not installed."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    text = (about.get("License-Expression") or about.get("License") or "").strip()
    text = OLD_WORDS.get(text.lower(), text)
    try:
        return str(SPDX.parse(text, validate=True, strict=True)) if text and len(text) < 100 else None
    except ExpressionError:
        return None


def _same(one: str, other: str) -> bool:
    return bool(SPDX.is_equivalent(one, other))


def learn() -> list[str]:
    """Adds what is certain to licences.yaml; the names that somebody must look up."""
    known = licences()["packages"]
    names = sorted({package.name for package in locked(*RUN, *DEVELOPMENT)})
    found = {name: known.get(name) or installed_licence(name) for name in names}
    head = LICENCES.read_text("utf-8").split("packages:\n")[0]
    lines = [f"  {name}: {licence}" for name, licence in found.items() if licence]
    LICENCES.write_text("\n".join([f"{head}packages:", *lines, ""]), "utf-8")
    return [name for name, licence in found.items() if not licence]


def page() -> str:
    """docs/packages.md."""
    known = licences()
    lines = [
        "# Packages",
        "",
        "Every package that the locks pin, with its licence and what needs it; why the direct ones are here is in",
        "[dependencies.md](dependencies.md). `make sbom` writes them as CycloneDX. Generated by `tools/reference.py`.",
    ]
    run = {package.ref for package in locked(*RUN)}
    for title, some in (
        ("Run time", locked(*RUN)),
        ("Demo and development only", [p for p in locked(*RUN, *DEVELOPMENT) if p.ref not in run]),
    ):
        lines += ["", f"## {title}", "", "| package | version | licence | needed by |", "|---|---|---|---|"]
        for package in some:
            needed = ", ".join(f"`{name}`" for name in package.needed_by)
            only = f" ({package.marker})" if package.marker else ""
            licence = known["packages"].get(package.name, "unknown")
            lines.append(f"| `{package.name}` | {package.version}{only} | {licence} | {needed} |")
    lines += ["", "## Carried inside", "", "What a security notice may name, though no lock does.", ""]
    lines += ["| package | carries | version | licence |", "|---|---|---|---|"]
    for name, inner in known["carried"].items():
        lines.append(f"| `{name}` | {inner['name']} | {inner['version']} | {inner['licence']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    verb = sys.argv[1] if len(sys.argv) > 1 else "check"
    if verb == "learn":
        missing = learn()
        sys.exit(f"look up and write into {LICENCES.name}: {', '.join(missing)}" if missing else 0)
    elif verb == "sbom":
        import sbom

        file = Path(sys.argv[2]) if len(sys.argv) > 2 else SBOM
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(sbom.text(), "utf-8")
        print(f"{file}: {len(locked(*RUN))} packages of the run-time lock, CycloneDX 1.6")
    elif verb == "check":
        wrong = problems()
        for sentence in wrong:
            print(sentence, file=sys.stderr)
        if wrong:
            sys.exit(1)
        print(
            f"{len(locked(*RUN, *DEVELOPMENT))} locked packages: each has hashes, an allowed licence and a reason. "
            "Known vulnerabilities were not looked up (`make audit` does)."
        )
    else:
        sys.exit("usage: packages.py check|learn|sbom [FILE]")


if __name__ == "__main__":
    main()
