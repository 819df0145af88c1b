"""What the docs name exists, and the reference pages are what the code says."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from console.cli import COMMANDS, SUMMARIES, main
from runtime.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FILES = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()


def test_reference_pages_are_current() -> None:
    said = subprocess.run([sys.executable, "tools/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_docs_exist(page: Path) -> None:
    for noun, verb in re.findall(r"\bexeat (?:-c \S+ )?([a-z]+)(?: ([a-z-]+))?", _code(page.read_text())):
        assert noun in COMMANDS, f"exeat {noun}"
        command = main.get_command(click.Context(main), noun)
        if isinstance(command, click.Group) and verb:
            assert verb in command.commands, f"exeat {noun} {verb}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_in_the_docs_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M)) | {"setup-dev", "setup-run"}
    for target in re.findall(r"`?make ([a-z]+(?:-[a-z]+)*)\b", _code(page.read_text())):
        assert target in targets, f"make {target}"


def test_every_setting_in_toml_blocks_exists() -> None:
    import tomllib

    for page in PAGES:
        for block in re.findall(r"```toml\n(.*?)```", page.read_text(), re.S):
            assert set(tomllib.loads(block)) <= set(Settings.model_fields), page.name


def test_every_command_has_its_summary() -> None:
    assert list(COMMANDS) == list(SUMMARIES)
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert command.help, name


@pytest.mark.parametrize("name", FILES)
def test_files_speak_of_the_project_alone(name: str) -> None:
    path = ROOT / name
    if not path.is_file() or path.suffix in {".png", ".lock"} or name == "tests/docs/test_docs.py":
        return
    text = path.read_text("utf-8", "replace")
    hosts = "|".join(("pypi" + r"\.org", "python" + "hosted", "registry" + r"\.npmjs", "proxy" + r"\.golang"))
    assert not re.search(hosts, text)
    assert not re.search(r"(?:^|[^\w./-])/(?:work|root|home)/\w", text)


def _code(text: str) -> str:
    """What stands in code: blocks and spans."""
    return "\n".join(re.findall(r"```.*?\n(.*?)```", text, re.S) + re.findall(r"`([^`\n]+)`", text))
