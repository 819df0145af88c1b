"""`exeat audit reconcile` against a real store: files of Envoy's log that were put aside."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.store.client import writer_client
from console.cli import main
from tests.kit.evidence import Record
from tests.kit.store import RunningStore, running

NAMES = ("removed", "twice-1", "twice-2", "packed", "kept")


def digest(name: str) -> str:
    return hashlib.sha256(name.partition("-")[0].encode()).hexdigest()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    record = Record()
    for number, name in enumerate(NAMES):
        record.event(
            "envoy.log_rotated", "", number * 1_000_000, {"file": f"access.log-{name}", "sha256": digest(name)}
        )
    record.event("envoy.log_removed", "", 9_000_000, {"file": "access.log-removed"})
    with running(tmp_path_factory.mktemp("store")) as started:
        with writer_client(started.settings) as client:
            record.insert(client)
        (started.folder / "spool").mkdir(mode=0o700)
        yield started


def missing(store: RunningStore, folder: Path, *more: str) -> list[str]:
    config = folder / "exeat.toml"
    config.write_text(f'[gateway]\nstate_dir = "{store.folder}"\n[clickhouse]\nurl = "{store.url}"\n')
    arguments = ["-c", str(config), "audit", "reconcile", "--json", "--log", str(folder / "access.log"), *more]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code in (0, 1), (result.output, result.exception)
    found: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
    return [item["where"] for item in found if item["what"].endswith("not there")]


def test_a_file_that_was_put_aside_and_deleted_is_named(store: RunningStore, tmp_path: Path):
    (tmp_path / "access.log").write_bytes(b"")
    (tmp_path / "access.log-twice-2").write_bytes(b"twice")
    with gzip.open(tmp_path / "access.log-packed.gz", "wb") as packed:
        packed.write(b"packed")
    (tmp_path / "access.log-kept").write_bytes(b"kept")
    assert missing(store, tmp_path) == []
    (tmp_path / "access.log-kept").unlink()
    assert missing(store, tmp_path) == ["access.log-kept"]
    assert missing(store, tmp_path, "--since", "2026-11-20T12:00:05") == []
