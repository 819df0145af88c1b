"""A small policy repository that may be published, for tests that spoil one thing in it."""

from collections.abc import Mapping
from pathlib import Path

FILES = {
    "p.rego": """package exeat

default effect := "deny"

effect := "allow" if input.identity.subject == "ada"

decision := {
	"effect": effect,
	"reasons": [{"rule": "by_name", "message": "By name.", "controls": []}],
	"masking": ["pci"],
	"snapshot": data.snapshot.digest,
}
""",
    "p_test.rego": """package exeat_test

import data.exeat.decision

test_ada if decision.effect == "allow" with input as {"identity": {"subject": "ada"}}

test_others if decision.effect == "deny" with input as {}
""",
    "data/connections.yaml": 'plain: {kind: http, upstream: "https://plain.example"}\n',
    "data/masking.yaml": "profiles:\n  floor: [{detect: card}]\n  pci: [{detect: card}]\n",
    "data/roles.yaml": "readers: {groups: [readers], connections: [plain]}\n",
    "cases/ada.yaml": "description: ada\ninput: {identity: {subject: ada}}\nwant: {effect: allow, rules: [by_name]}\n",
}


def write(folder: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Writes FILES with `changes` (None: without that file) into an empty or older folder."""
    for name, text in {**FILES, **(changes or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text, "utf-8")
    return folder


def changed(name: str, old: str, new: str) -> dict[str, str]:
    """FILES[name] with one piece of text replaced."""
    assert FILES[name].count(old) == 1
    return {name: FILES[name].replace(old, new)}
