"""The snapshot that decides now, as authz, extproc and the console load it; read again when the link moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runtime import log
from runtime.errors import Error
from runtime.settings import Secret
from snapshot import layout
from snapshot.connections import Connection, parse_connections
from snapshot.repository import CONNECTIONS, MASKING, ROLES
from snapshot.roles import Role, parse_roles

if TYPE_CHECKING:
    from masking.rules import Ruleset

logger = log.get("snapshot")


@dataclass(frozen=True)
class Snapshot:
    """`digest`: "sha256:…", the name that decisions carry."""

    digest: str
    connections: Mapping[str, Connection]
    masking: "Ruleset"
    roles: Mapping[str, Role]


def load(path: Path, secrets: Mapping[str, Secret]) -> Snapshot:
    """Reads a snapshot's folder. Raises SnapshotDamaged, or RepositoryRefused when it does not go with the secrets."""
    from masking.rules import Ruleset  # compiles its detectors: not for those who only name the type

    repository = layout.read_source(path)
    patterns = {name: secret.pattern for name, secret in secrets.items() if secret.pattern}
    return Snapshot(
        digest=repository.digest,
        connections=parse_connections(repository.text(CONNECTIONS), CONNECTIONS, secrets),
        masking=Ruleset.parse(repository.text(MASKING), MASKING, secrets=patterns),
        roles=parse_roles(repository.text(ROLES), ROLES),
    )


class Current:
    """`get()` costs one readlink while nothing moves."""

    def __init__(self, state_dir: Path, secrets: Mapping[str, Secret]) -> None:
        self._state_dir = state_dir
        self._secrets = secrets
        self._loaded: Snapshot | None = None
        self._refused = ""

    @property
    def settled(self) -> bool:
        """Whether `get()` gives what is loaded already. Raises NoSnapshot."""
        digest = layout.current(self._state_dir)
        return self._loaded is not None and digest in (self._loaded.digest, self._refused)

    def get(self) -> Snapshot:
        """Raises NoSnapshot before the first; a later one that does not load leaves the one before it in place."""
        digest = layout.current(self._state_dir)
        if self._loaded is not None and digest in (self._loaded.digest, self._refused):
            return self._loaded
        try:
            self._loaded = load(layout.folder(self._state_dir, digest), self._secrets)
        except Error as error:
            if self._loaded is None:
                raise
            self._refused = digest
            logger.error("snapshot_not_loaded", extra={"fields": {"snapshot": digest, "code": error.code}})
        return self._loaded
