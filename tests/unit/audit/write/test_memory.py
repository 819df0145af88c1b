import asyncio

import pytest

from audit.write import Draft, EventInvalid, Kind, MemoryRecorder, SpoolFull


def test_keeps_drafts_and_fails_when_told_to():
    recorder = MemoryRecorder()
    asyncio.run(recorder.record(Draft(Kind.CONFIG, "a"), Draft(Kind.CONFIG, "b")))
    assert recorder.types() == ["a", "b"]
    recorder.fail = SpoolFull()
    with pytest.raises(SpoolFull):
        asyncio.run(recorder.record(Draft(Kind.CONFIG, "c")))
    assert recorder.types() == ["a", "b"]


def test_refuses_what_the_spool_would_refuse():
    with pytest.raises(EventInvalid):
        asyncio.run(MemoryRecorder().record(Draft(Kind.CONFIG, "a", data={"n": 1.5})))  # type: ignore[dict-item]
