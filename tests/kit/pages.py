"""Pages of the documentation, as programs: the blocks of a section in the order in which a reader runs them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def section(page: str, title: str) -> str:
    """The text under `## title` of docs/<page>; under no title, what stands before the first."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return parts[0] if not title else parts[parts.index(title) + 1]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def program(page: str, title: str, folder: Path) -> Path:
    """A shell script that does what the page says: its first lines, then the section's `sh` and `python` blocks."""
    here = section(page, title)
    lines = ["set -eu", *blocks(section(page, ""), "sh"), *blocks(here, "sh")]
    for number, block in enumerate(blocks(here, "python")):
        (folder / f"block{number}.py").write_text(block)
        lines.append(f"python block{number}.py")
    script = folder / "page.sh"
    script.write_text("\n".join(lines) + "\n")
    return script
