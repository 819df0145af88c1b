"""The schema for a cluster: the same statements, on every replica, with replicated tables. Pure.

Each statement of the migrations begins with what it makes, so that one place takes `ON CLUSTER`. Tables have no path of
their own: the server's `default_replica_path` and macros decide.

Shards. A gateway writes to the shard that its `clickhouse.url` leads to, and reads, verifies and prunes there: its log
stays whole. A second database reads all shards: Distributed tables over the same names, and the same views over those.
They have no sharding key, so that a server with several shards refuses inserts into them.
"""

import re
from collections.abc import Sequence
from typing import Any

from audit.store.migrate import Migration, Run, check_database

_MADE = re.compile(
    r"(CREATE (?:OR REPLACE )?(?:DATABASE|TABLE|VIEW|MATERIALIZED VIEW)(?: IF NOT EXISTS)? [\w.]+|ALTER TABLE [\w.]+)"
)
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS \w+\.(\w+)")
_SUBQUERY = re.compile(r"\b((?:NOT )?IN)(?=\s*\(\s*SELECT\b)")
_ENGINE = re.compile(r"\bENGINE = (\w*MergeTree)\b")


def clustered(statement: str, cluster: str) -> str:
    """`cluster`: a plain name. What makes or changes nothing stays as it is."""
    made = _MADE.match(statement)
    if made is None:
        return statement
    rest = _ENGINE.sub(r"ENGINE = Replicated\1", statement[made.end() :])
    return f"{made[0]} ON CLUSTER '{cluster}'{rest}"


def on_cluster(run: Run, cluster: str) -> Run:
    """`run` itself without a cluster."""

    def everywhere(statement: str) -> Sequence[Sequence[Any]]:
        return run(clustered(statement, cluster))

    return everywhere if cluster else run


def over_shards(migrations: Sequence[Migration], database: str, whole: str, cluster: str) -> list[str]:
    """What makes `whole`, or brings it to this version's schema; safe to repeat. `whole`: reads `database` of all
    shards. Raises MigrationRefused."""
    made = [f"CREATE DATABASE IF NOT EXISTS {check_database(whole)}"]
    for statement in (part for migration in migrations for part in migration.statements(whole)):
        table = _TABLE.match(statement)
        if table is not None:
            engine = f"Distributed('{cluster}', '{database}', '{table[1]}')"
            made.append(f"CREATE TABLE IF NOT EXISTS {whole}.{table[1]} AS {database}.{table[1]} ENGINE = {engine}")
        elif statement.startswith(("CREATE OR REPLACE VIEW", "ALTER TABLE")):
            # asked once for all shards, not once by each; what feeds a table while events arrive stays on each shard
            made.append(_SUBQUERY.sub(r"GLOBAL \1", statement))
    return made
