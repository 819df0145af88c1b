"""An insert whose reply is lost is not sent a second time: over real sockets, with the real client."""

import contextlib
from pathlib import Path

import pytest

from audit.log.clickhouse import ClickHouseTarget
from audit.log.rows import CheckpointRow
from audit.log.target import TargetAway
from audit.store.client import auditor_client, writer_client
from tests.kit.bad_store import bad_store
from tests.kit.store import running

ROW = CheckpointRow("lost", 1, bytes(32), 1_700_000_000_000_000, "note")


def test_a_lost_reply_is_told_and_the_insert_stands_once(tmp_path: Path):
    with running(tmp_path) as store, bad_store(store.port) as relay:
        settings = store.settings
        relayed = settings.model_copy(update={"clickhouse": settings.clickhouse.model_copy(update={"url": relay.url})})
        target = ClickHouseTarget(lambda: writer_client(relayed), "audit")
        target.insert_checkpoints([ROW._replace(gateway="first")])
        relay.losing = True
        with pytest.raises(TargetAway):
            target.insert_checkpoints([ROW])
        relay.losing = False
        target.insert_checkpoints([ROW._replace(gateway="last")])
        with contextlib.closing(auditor_client(settings)) as client:
            rows = client.query(
                "SELECT gateway, count() FROM checkpoints GROUP BY gateway ORDER BY gateway"
            ).result_rows
        assert list(rows) == [("first", 1), ("last", 1), ("lost", 1)]
        assert relay.lost == 1
        target.close()
