import json

import pytest

from audit.verify.body import COLUMNS, Malformed, lying, read
from tests.kit.signed_log import evidence


def test_reads_what_the_writer_wrote():
    body = evidence([0, 0]).rows[1].body
    event = read(body)
    raw = json.loads(body)
    assert (event.writer, event.seq, event.prev.hex()) == (raw["writer"], 2, raw["prev"])
    assert (event.type, event.ts_us, event.data["text"]) == ("decision.allow", 1_000_001, "x")
    assert dict(zip(COLUMNS, event.columns, strict=True))["exchange"] == "exchange-1"


def test_names_the_columns_that_lie():
    event = read(evidence([0, 0]).rows[1].body)
    assert lying(event, event.columns) == []
    columns = list(event.columns)
    columns[COLUMNS.index("subject")] = "mallory"
    columns[COLUMNS.index("prev")] = bytes(32)
    assert lying(event, tuple(columns)) == ["subject", "prev"]


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"{}", b"[]", b"1", b"[" * 5000, evidence([0]).rows[0].body.replace(b'"prev":"0', b'"prev":"z')],
)
def test_anything_else_is_malformed(body: bytes):
    with pytest.raises(Malformed):
        read(body)


def test_both_parsers_read_the_same():
    """With and without the faster parser, which refuses or rounds what is no body of ours."""
    good = evidence([0]).rows[0].body
    for body in (good, good.replace(b'"seq":1', b'"seq":1.5'), b'{"a":NaN}', b'{"a":"\\ud800"}', b"\xff", b"[1", b"{}"):
        assert read_or_none(body, fast=True) == read_or_none(body, fast=False)


def read_or_none(body: bytes, *, fast: bool) -> object:
    try:
        return read(body, fast=fast)
    except Malformed:
        return None
