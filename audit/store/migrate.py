"""Numbered SQL files, each applied once and never edited: the schema's own history stands in audit.migrations.

Works through any `run(sql) -> list of rows`, so that the embedded store and a real server take the same road.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.errors import GatewayError

SCHEMA_DIR = Path(__file__).with_name("schema")
_FILE = re.compile(r"(\d{3})_([a-z0-9_]+)\.sql")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")

Run = Callable[[str], Sequence[Sequence[Any]]]


class MigrationRefused(GatewayError):
    """The schema in the database is not a beginning of ours: another version wrote it, or a file was edited."""

    code = "migration_refused"


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self, database: str) -> list[str]:
        """The file's statements for `database`; comments at the start of a line go, `;` at the end of a line splits."""
        text = "\n".join(line for line in self.sql.splitlines() if not line.lstrip().startswith("--"))
        parts = (part.strip() for part in re.split(r";\s*(?:\n|$)", text))
        return [re.sub(r"\baudit\.", f"{database}.", part) for part in parts if part]


def shipped(folder: Path = SCHEMA_DIR) -> list[Migration]:
    """The migrations of this version of Exeat, in order. Raises MigrationRefused if a number is missing."""
    found = []
    for file in sorted(folder.glob("*.sql")):
        matched = _FILE.fullmatch(file.name)
        if matched is None:
            raise MigrationRefused(f"{file.name} is not named NNN_words.sql")
        found.append(Migration(int(matched[1]), matched[2], file.read_text("utf-8")))
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationRefused("migrations are not numbered 001, 002, … without a gap")
    return found


def pending(migrations: Sequence[Migration], applied: Sequence[tuple[int, str]]) -> list[Migration]:
    """What is still to run, given (version, digest) of what ran. Raises MigrationRefused if one was edited."""
    known = {migration.version: migration for migration in migrations}
    for version, digest in applied:
        if version not in known:
            raise MigrationRefused(
                f"the database has migration {version:03}, which this version of Exeat does not know"
            )
        if known[version].digest != digest:
            raise MigrationRefused(f"migration {version:03}_{known[version].name} was edited after it ran")
    done = {version for version, _ in applied}
    return [migration for migration in migrations if migration.version not in done]


def check_database(name: str) -> str:
    """Identifiers cannot be bound as parameters, so the name must need no quoting."""
    if not _NAME.fullmatch(name):
        raise MigrationRefused(f"clickhouse.database {name!r} is not a plain identifier")
    return name


def migrate(run: Run, database: str, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Brings `database` to this version's schema; returns what was applied. Safe to repeat after a crash."""
    check_database(database)
    run(f"CREATE DATABASE IF NOT EXISTS {database}")
    run(
        f"CREATE TABLE IF NOT EXISTS {database}.migrations (version UInt32, name String, digest String,"
        " applied DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY version"
        " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
    )
    todo = pending(shipped() if migrations is None else migrations, applied(run, database))
    for migration in todo:
        for statement in migration.statements(database):
            run(statement)
        values = f"({migration.version}, '{migration.name}', '{migration.digest}')"
        run(f"INSERT INTO {database}.migrations (version, name, digest) VALUES {values}")  # noqa: S608 - our own constants
    return todo


def applied(run: Run, database: str) -> list[tuple[int, str]]:
    """(version, digest) of what ran, in order."""
    table = f"{check_database(database)}.migrations"
    rows = run(f"SELECT DISTINCT version, digest FROM {table} ORDER BY version")  # noqa: S608 - a checked identifier
    return [(int(version), str(digest)) for version, digest in rows]
