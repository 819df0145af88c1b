"""What the development issuer puts into its tokens; time comes from a clock so that tests can age them.

Access tokens follow RFC 9068 (`typ: at+jwt`). Agents and people get different audiences, as in production.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from console.dev.directory import AGENTS, PEOPLE, Agent, Person
from console.dev.keyring import KeyRing
from runtime.clock import Clock
from runtime.fileio import atomic_write, private_dir
from runtime.ids import uuid7

AGENT_AUDIENCE = "exeat"
PEOPLE_AUDIENCE = "exeat-people"
PEOPLE_CLIENTS = ("exeat-cli", "exeat-console")  # public clients (no secret): device flow; code with PKCE
LIFETIME_S = 3600


class Mint:
    """Directory, client secrets and keys in one; `url` is set once the listening port is known."""

    def __init__(self, keys: KeyRing, clock: Clock, folder: Path | None = None) -> None:
        self.keys = keys
        self.clock = clock
        self.url = ""
        self.people = {person.name: person for person in PEOPLE}
        self.agents = {agent.name: agent for agent in AGENTS}
        self.secrets = _client_secrets(folder, list(self.agents))

    def now(self) -> int:
        """Unix seconds, the unit of JWT time claims (RFC 7519 §2)."""
        return self.clock.now_us() // 1_000_000

    def add_person(self, name: str, email: str = "", groups: Sequence[str] = ()) -> Person:
        self.people[name] = Person(name, email or f"{name}@bank.example", tuple(groups))
        return self.people[name]

    def add_agent(self, name: str, groups: Sequence[str] = (), owner: str = "") -> Agent:
        self.agents[name] = Agent(name, tuple(groups), owner)
        self.secrets[name] = secrets.token_urlsafe(24)
        return self.agents[name]

    def agent_token(
        self,
        name: str,
        *,
        groups: Sequence[str] | None = None,
        lifetime_s: int = LIFETIME_S,
        audience: str | Sequence[str] = AGENT_AUDIENCE,
        **claims: Any,
    ) -> str:
        """An agent's access token; `claims` add to or replace what it carries (None removes)."""
        agent = self.agents[name]
        told = {"azp": name, "client_id": name, "groups": list(agent.groups if groups is None else groups)}
        if agent.owner:
            told["owner"] = agent.owner
        return self._token(name, audience, lifetime_s, {**told, **claims})

    def person_token(
        self,
        name: str,
        *,
        groups: Sequence[str] | None = None,
        lifetime_s: int = LIFETIME_S,
        audience: str | Sequence[str] = PEOPLE_AUDIENCE,
        auth_age_s: int = 0,
        **claims: Any,
    ) -> str:
        """A person's access token; they signed in `auth_age_s` seconds ago."""
        return self._token(name, audience, lifetime_s, {**self._about(name, groups, auth_age_s), **claims})

    def id_token(self, name: str, client: str, nonce: str = "", *, auth_age_s: int = 0) -> str:
        """OpenID Connect Core §2; its audience is the client, so it is no access token."""
        claims = {**self._about(name, None, auth_age_s), "azp": client}
        if nonce:
            claims["nonce"] = nonce
        return self._token(name, client, LIFETIME_S, claims, {"typ": "JWT"})

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        """Any claims under the current key: tests use it to forge what a real issuer would never say."""
        return self.keys.sign(claims, headers)

    def _about(self, name: str, groups: Sequence[str] | None, auth_age_s: int) -> dict[str, Any]:
        person = self.people[name]
        return {
            "azp": PEOPLE_CLIENTS[0],
            "email": person.email,
            "email_verified": True,
            "name": name.title(),
            "groups": list(person.groups if groups is None else groups),
            "auth_time": self.now() - auth_age_s,
            "amr": ["pwd"],
        }

    def _token(
        self,
        subject: str,
        audience: str | Sequence[str],
        lifetime_s: int,
        claims: Mapping[str, Any],
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        now = self.now()
        stated: dict[str, Any] = {
            "iss": self.url,
            "sub": subject,
            "aud": audience if isinstance(audience, str) else list(audience),
        }
        stated |= {"iat": now, "nbf": now, "exp": now + lifetime_s, "jti": uuid7(), **claims}
        return self.sign({name: value for name, value in stated.items() if value is not None}, headers)


def _client_secrets(folder: Path | None, clients: list[str]) -> dict[str, str]:
    """One random secret per client; with a folder they outlive the process (`client-secrets.json`, 0600)."""
    file = private_dir(folder) / "client-secrets.json" if folder else None
    known: dict[str, str] = json.loads(file.read_text("utf-8")) if file and file.exists() else {}
    known |= {client: secrets.token_urlsafe(24) for client in clients if client not in known}
    if file:
        atomic_write(file, json.dumps(known, indent=1).encode())
    return known
