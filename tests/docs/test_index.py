"""docs/README.md leads to every page, each link to a heading that is there, and pages say what the code says."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from runtime.settings import Settings
from snapshot.connections import KEYS, KINDS, RISKS, parse_connections
from tests.kit import pages

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / "docs" / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("policies/**/README.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def links(page: Path) -> list[tuple[Path, str]]:
    """(file, anchor) of each link that stays in the repository; code blocks hold none."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    found = [target for target in LINK.findall(text) if not re.match(r"[a-z]+:", target)]
    return [
        (
            (page.parent / target.partition("#")[0]).resolve() if not target.startswith("#") else page,
            target.partition("#")[2],
        )
        for target in found
    ]


def anchors(page: Path) -> set[str]:
    """Headings as GitHub names them: lower case, no punctuation, dashes for spaces."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_page_is_reached_from_the_index() -> None:
    reached, waiting = {INDEX}, [INDEX]
    while waiting:
        for file, _ in links(waiting.pop()):
            if file.suffix == ".md" and file not in reached:
                reached.add(file)
                waiting.append(file)
    assert set(PAGES) - reached == set()


def test_the_first_page_points_to_the_index_and_stays_short() -> None:
    first = ROOT / "README.md"
    assert INDEX in [file for file, _ in links(first)]
    assert len(first.read_text().splitlines()) < 160


@by_page
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for file, anchor in links(page):
        assert file.exists(), file
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{file.relative_to(ROOT)}#{anchor}"


@by_page
def test_a_page_has_one_title(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert text.startswith("# ")


def test_the_words_are_these_and_no_others() -> None:
    """docs/architecture.md has the words; these are what people would say instead."""
    other = {
        r"\bapprov(?:e|ed|ing) (?:a|an|the|this|it)\b": "grant",
        r"\breject(?:s|ed|ing)? (?:a|an|the|this) (?:hold|approval|card)\b": "refuse",
        r"(?<!build )\bback-?end\b": "upstream",
        r"\baudit (?:trail|log)s?\b": "evidence, the signed log",
        r"\bpolicy bundle\b": "snapshot",
    }
    for page in PAGES:
        for pattern, word in other.items():
            found = re.search(pattern, page.read_text("utf-8"), re.IGNORECASE)
            assert found is None, f"{page.relative_to(ROOT)}: {found and found[0]!r}, say {word}"


def test_the_page_of_connections_says_every_key_and_its_example_is_one() -> None:
    text = (ROOT / "docs" / "connections.md").read_text()
    (example, _roles) = pages.blocks(text, "yaml")
    (toml,) = pages.blocks(text, "toml")
    settings = Settings.model_validate(tomllib.loads(toml))
    only = yaml.safe_dump({"ledger": yaml.safe_load(example)["ledger"]})
    assert parse_connections(only, "page", settings.secrets)["ledger"].private
    rows = " ".join(re.findall(r"^\| (`.+?) \|", text, re.MULTILINE))
    assert {key for key in KEYS if f"`{key}`" not in rows} == set()
    for word in (*KINDS, *RISKS):
        assert f"`{word}`" in text, word
