"""The schema for a cluster: the same statements, on every replica, with replicated tables. Pure.

Each statement of the migrations begins with what it makes, so that one place takes `ON CLUSTER`. Tables have no path of
their own: the server's `default_replica_path` and macros decide. Nothing is sharded: a gateway's log stays whole.
"""

import re
from collections.abc import Sequence
from typing import Any

from audit.store.migrate import Run

_MADE = re.compile(
    r"(CREATE (?:OR REPLACE )?(?:DATABASE|TABLE|VIEW|MATERIALIZED VIEW)(?: IF NOT EXISTS)? [\w.]+|ALTER TABLE [\w.]+)"
)
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
