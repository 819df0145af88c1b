"""The short form of the leak score, the release gate: nothing leaks through the running gateway, however cut."""

import pytest

from bench.leak.cases import FORMATS
from bench.leak.cuts import SMALL
from bench.leak.run import control, place, through

pytestmark = pytest.mark.envoy


async def test_nothing_leaks_in_any_format() -> None:
    async with place() as at:
        assert [found.odd async for found in control(at) if found.odd] == []  # it sees what passes without the gateway
        scores = [found async for found in through(at, SMALL)]
        assert at.raw.failed == []
    assert len(scores) == len(FORMATS)
    assert [found for found in scores if found.bytes or found.odd] == []
    assert sum(found.cases for found in scores) > 150
