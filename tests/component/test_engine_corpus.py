"""The corpus on the embedded engine: one worker, one case after the other."""

import json
from collections.abc import AsyncIterator

import pytest

from snapshot.engine.process import RegoFailed, Worker
from tests.kit.corpus import CorpusCase, corpus


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    async with Worker.running() as running:
        yield running


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case.description)
async def test_corpus(worker: Worker, case: CorpusCase) -> None:
    if case.outcome == "refused":
        with pytest.raises(RegoFailed) as refused:
            await worker.load({"p.rego": case.module}, {}, warm=[["p", case.ask or "deny"]])
        assert case.value in refused.value.text
        assert "p.rego:" in refused.value.text
        return
    await worker.load({"p.rego": case.module}, {}, warm=[["p", case.ask]])
    body = json.dumps({"input": case.input}).encode()
    if case.outcome == "fails":
        with pytest.raises(RegoFailed) as failed:
            await worker.evaluate(["p", case.ask], body, seconds=10)
        assert case.value in failed.value.text
        return
    answer = await worker.evaluate(["p", case.ask], body, seconds=10)
    if case.outcome == "undefined":
        assert answer.json is None
    else:
        assert answer.json is not None
        assert answer.value == case.value
