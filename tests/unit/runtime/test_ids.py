import time
import uuid

from runtime.ids import uuid7


def test_version_variant_and_order() -> None:
    """RFC 9562 §5.7: version 7, variant 10, ids of later milliseconds sort later."""
    first = uuid.UUID(uuid7())
    time.sleep(0.002)
    second = uuid.UUID(uuid7())
    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    assert str(first) < str(second)
    assert abs((first.int >> 80) - time.time_ns() // 1_000_000) < 60_000


def test_they_differ() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000
