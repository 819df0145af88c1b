"""Rules of masking.yaml behind the real Envoy: fields that are dropped, bodies that are blocked, what is told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from masking import Masker, Ruleset
from snapshot.verdict import Verdict
from tests.component.test_extproc_envoy import gateway
from tests.kit import extproc
from tests.kit.masked_texts import KEYS
from tests.kit.masks import PlainRules

pytestmark = pytest.mark.envoy
CARD = "4111 1111 1111 1111"
RULES = """
profiles:
  floor:
    - detect: us_ssn
  strict:
    - key: [salary]
      operator: drop
      connection: anthropic
    - path: "accounts[*].number"
      operator: {partial: last4}
      direction: response
    - detect: card
      operator: block
"""


class Ruled(PlainRules):
    """The rules above, with the profiles that the verdict names."""

    ruleset = Ruleset.parse(RULES, "masking.yaml")

    def _masker(self, profiles: tuple[str, ...], verdict: Verdict | None, direction: str) -> Masker:
        name = verdict.connection if verdict else ""
        return self.ruleset.masker(profiles, keys=KEYS, connection=name, direction=direction)

    def floor(self, verdict: Verdict | None, direction: str) -> Any:
        return self._masker(("floor",), verdict, direction)

    def response(self, verdict: Verdict) -> Any:
        return self._masker(("floor", *verdict.masking), verdict, "response")

    def request(self, verdict: Verdict) -> Any:
        return self._masker(verdict.request_masking, verdict, "request") if verdict.request_masking else None


DROPPED = '{"name": "Ada", "salary": {"base": 90000, "note": "123-45-6789"}, "accounts": [{"number": "31926819"}]}'
CALL = (
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use",'
    b'"id":"t","name":"pay","input":{}}}\n\n',
    *(
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta",'
        b'"partial_json":"%s"}}\n\n' % piece
        for piece in (rb"{\"to\": \"Ada\", \"sal", rb"ary\": 90", rb"000, \"x\": 1}")
    ),
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
)


def strict() -> extproc.Parts:
    return extproc.Parts(rules=Ruled())


async def test_a_field_is_dropped_where_the_rule_applies_and_the_finding_says_so() -> None:
    def answer(request: Request) -> Response:
        if request.url.path.endswith("stream"):
            return Response(b"".join(CALL), media_type="text/event-stream")
        return Response(DROPPED, media_type="application/json")

    async with gateway(answer, strict(), masking=("strict",)) as gate:
        got = await gate.client.post("/anthropic/v1/messages", json={})
        assert got.json() == {"name": "Ada", "accounts": [{"number": "****6819"}]}
        await gate.ended()
        found = gate.parts.last("masking.applied")
        assert "$.salary" in str(found)
        assert "drop" in str(found)
        for secret in ("90000", "123-45", "31926819"):
            assert secret not in str([draft.data for draft in gate.parts.recorder.drafts])
        elsewhere = (await gate.client.post("/plain/x", json={})).json()
        assert elsewhere["salary"] == {"base": 90000, "note": "[US_SSN]"}
        streamed = await gate.client.post("/anthropic/v1/stream", json={})
        assert b"90" not in streamed.content
        assert rb"\"x\": 1" in streamed.content


async def test_a_body_is_blocked_in_whichever_place_the_card_stands() -> None:
    go_on = asyncio.Event()
    loop = asyncio.get_running_loop()

    def answer(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield b"data: first\n\n"
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(go_on.wait(), loop))
            yield b"data: 4111 1111"
            yield b" 1111 1111\n\ndata: last\n\n"

        if request.url.path.endswith("stream"):
            return StreamingResponse(events(), media_type="text/event-stream")
        if request.url.path.endswith("header"):
            return Response(b"{}", media_type="application/json", headers={"x-note": CARD})
        return Response(f'{{"pan": "{CARD}"}}', media_type="application/json")

    async with gateway(answer, strict(), masking=("strict",)) as gate:
        for path in ("/openai/v1/models", "/openai/v1/header"):
            got = await gate.client.get(path)
            assert (got.status_code, got.json()["error"]["code"]) == (403, "blocked"), got.text
            assert "4111" not in got.text + str(got.headers)
        async with gate.client.stream("POST", "/anthropic/v1/stream", json={}) as stream:
            parts = stream.aiter_raw()
            assert await anext(parts) == b"data: first\n\n"
            go_on.set()
            rest = b"".join([part async for part in parts])
        assert b"event: error" in rest
        assert b"last" not in rest
        assert b"4111" not in rest
        await gate.ended()
        assert "4111" not in str(gate.parts.recorder.drafts)


async def test_a_request_is_blocked_on_its_way_out() -> None:
    def answer(request: Request) -> Response:
        return Response(b"{}", media_type="application/json")

    async with gateway(answer, strict(), request_masking=("strict",)) as gate:
        got: httpx.Response = await gate.client.post("/openai/v1/responses", json={"input": f"pay with {CARD}"})
        assert (got.status_code, got.json()["error"]["code"]) == (403, "blocked")
        assert not gate.received
        assert CARD not in str(gate.parts.recorder.drafts)
        got = await gate.client.post("/openai/v1/responses", json={"input": "hello", "salary": 1})
        assert (got.status_code, gate.received) == (200, [b'{"input":"hello","salary":1}'])
