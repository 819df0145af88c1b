from types import SimpleNamespace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, OperationalError

from audit.log import clickhouse as module
from audit.log.clickhouse import ClickHouseTarget
from audit.log.rows import CheckpointRow, EventRow, FrameRow
from audit.log.target import TargetAway, TargetRefused
from runtime.errors import GatewayError


def failing(error: Exception) -> ClickHouseTarget:
    """A target whose client raises `error` at every call."""

    def fail(*args, **kwargs):
        raise error

    return ClickHouseTarget(lambda: SimpleNamespace(query=fail, insert=fail), "audit")  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("no route"),
        DatabaseError("a proxy's 502"),
        DatabaseError("Memory limit", code=241, name="MEMORY_LIMIT_EXCEEDED"),
        DatabaseError("no table", code=60),
        DatabaseError("not migrated", code=16),
        ConnectionResetError(),
        GatewayError("cannot connect"),
    ],
)
def test_what_waiting_or_an_operator_cures_is_away(error: Exception):
    with pytest.raises(TargetAway) as caught:
        failing(error).insert_checkpoints([CheckpointRow("g", 1, b"r" * 32, 1, "note")])
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("error", [DatabaseError("secret", code=6, name="CANNOT_PARSE_TEXT"), DataError("secret")])
def test_what_the_rows_are_to_blame_for_is_refused_without_quoting_them(error: Exception):
    with pytest.raises(TargetRefused) as caught:
        failing(error).insert_checkpoints([CheckpointRow("g", 1, b"r" * 32, 1, "note")])
    assert "secret" not in caught.value.message


def test_connecting_is_tried_again_with_each_call():
    attempts = []

    def connect():
        attempts.append(1)
        raise GatewayError("down")

    target = ClickHouseTarget(connect, "audit")
    for _ in range(2):
        with pytest.raises(TargetAway):
            target.events({"w": (1, 2)})
    assert len(attempts) == 2
    target.close()


def test_every_column_has_a_type():
    assert len(module.EVENT_TYPES) == len(EventRow._fields)
    assert len(module.FRAME_TYPES) == len(FrameRow._fields)
    assert len(module.CHECKPOINT_TYPES) == len(CheckpointRow._fields)


def test_column_types_are_those_of_the_schema():
    """The shipper names the types itself, so that no insert needs a question first."""
    import re
    from pathlib import Path

    import audit.store

    text = (Path(audit.store.__file__).parent / "schema" / "001_tables.sql").read_text()
    for table, row, types in (
        ("events", EventRow, module.EVENT_TYPES),
        ("frames", FrameRow, module.FRAME_TYPES),
        ("checkpoints", CheckpointRow, module.CHECKPOINT_TYPES),
    ):
        body = text.split(f"audit.{table}\n(")[1].split("\nENGINE")[0]
        declared = dict(re.findall(r"^ {4}(\w+) +((?:\w+)(?:\([^)]*\))?)", body, re.MULTILINE))
        assert {name: declared[name] for name in row._fields} == dict(zip(row._fields, types, strict=True))
