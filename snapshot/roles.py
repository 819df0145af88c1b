"""`data/roles.yaml`: what members of a group may use. The policy reads it as `data.roles`.

research:
  groups: [research]
  connections: [anthropic, openai]
  models: [standard]          # tiers of data/models.yaml, which maps a tier to name patterns
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from snapshot.located import Located, Problem, read

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
KEYS = ("groups", "connections", "models")


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    groups: tuple[str, ...]
    connections: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)


def parse_roles(text: str, filename: str) -> dict[str, Role]:
    """Raises RepositoryRefused with file:line."""
    entries = read(text, filename)
    if entries.value is None:
        return {}
    return {name: _role(name, item) for name, item in entries.mapping("the file").items()}


def parse_models(text: str, filename: str) -> dict[str, tuple[str, ...]]:
    """`data/models.yaml`: a tier and the patterns of its models. Raises RepositoryRefused with file:line."""
    entries = read(text, filename)
    if entries.value is None:
        return {}
    tiers = entries.mapping("the file")
    return {name: _names(tiers, name, f"tier `{name}`") for name in tiers}


def unknown_names(
    roles: Mapping[str, Role], filename: str, connections: Iterable[str], tiers: Iterable[str]
) -> Iterator[Problem]:
    """Names in roles that nothing else declares. Not an error: a role may be ready before its connection is."""
    known, known_tiers = set(connections), set(tiers)
    for role in roles.values():
        for name in role.connections:
            if name not in known:
                yield Problem(
                    filename, role.line, f"role `{role.name}` names connection `{name}`, which is not declared"
                )
        for name in role.models:
            if name not in known_tiers:
                yield Problem(filename, role.line, f"role `{role.name}` names tier `{name}`, which is not declared")


def _role(name: str, item: Located) -> Role:
    if not NAME.fullmatch(name):
        raise item.refuse(f"`{name}` cannot name a role: lower case letters, digits, dashes")
    values = item.mapping(f"role `{name}`", KEYS)
    if "groups" not in values:
        raise item.refuse(f"role `{name}` has no `groups`: nobody would have it")
    groups, connections, models = (_names(values, key, f"{key} of role `{name}`") for key in KEYS)
    if not groups:
        raise item.refuse(f"role `{name}` has no `groups`: nobody would have it")
    return Role(name, groups, connections, models, item.line)


def _names(values: Mapping[str, Located], key: str, what: str) -> tuple[str, ...]:
    if key not in values:
        return ()
    names = []
    for item in values[key].items(what):
        name = item.text(f"an entry of {what}")
        if not name.strip():
            raise item.refuse(f"an entry of {what} is empty")
        names.append(name)
    return tuple(names)
