"""Errands report, and never raise."""

import asyncio

import pytest

from approvals.client import Outcome, ScriptedHolds
from approvals.errors import ApprovalsDown
from approvals.facts import State
from approvals.view import View
from audit.write import MemoryRecorder, SpoolFull
from extproc import commands as cmd
from extproc import events as ev
from extproc import hold
from extproc.hold import Errands, reported
from extproc.question import Question
from extproc.record import Exchange, ended
from extproc.record import Outcome as End
from runtime.errors import GatewayError
from tests.kit.playbook import held, verdict
from usage import Uncounted

ASK = cmd.AskApproval(Question(held(), 60).ask("https://up", View(""), "f" * 64))


async def test_recording_reports_its_tag() -> None:
    recorder = MemoryRecorder()
    async with Errands(recorder, ScriptedHolds(), Uncounted()) as errands:
        command = cmd.Record("end", (ended(Exchange(verdict()), End.ANSWERED, 1),))
        assert await errands.record(command) == ev.Recorded("end")
    assert recorder.types() == ["exchange.end"]


async def test_a_hold_from_question_to_use() -> None:
    async with Errands(MemoryRecorder(), ScriptedHolds([Outcome(State.GRANTED)]), Uncounted()) as errands:
        asked = await errands.ask(ASK)
        assert await errands.wait(asked) == ev.Answered("granted", "")
        assert await errands.consume(asked, verdict().request_digest) == ev.Consumed(True)
        assert await errands.consume(asked, verdict().request_digest) == ev.Consumed(False)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SpoolFull("full"), "spool_full"),
        (ApprovalsDown("down"), "approvals_down"),
        (TimeoutError(), "too_slow"),
        (ValueError("4111 1111 1111 1111"), "internal"),
    ],
)
async def test_a_failure_is_an_event_with_a_code(error: Exception, code: str) -> None:
    async def fails() -> ev.Event:
        raise error

    assert await reported(fails(), ev.HoldFailed, "too_slow") == ev.HoldFailed(code)


async def test_a_recorder_that_hangs_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hold, "RECORD_SECONDS", 0.01)

    class Hanging(MemoryRecorder):
        async def record(self, *drafts: object) -> None:
            await asyncio.Event().wait()

    async with Errands(Hanging(), ScriptedHolds(), Uncounted()) as errands:
        got = await reported(errands.record(cmd.Record("end", ())), lambda code: ev.RecordFailed("end", code), "slow")
    assert got == ev.RecordFailed("end", "slow")


async def test_leaving_waits_for_what_was_begun_and_survives_what_failed() -> None:
    done: list[str] = []

    async def fails() -> None:
        raise ValueError("4111 1111 1111 1111")

    async def works() -> None:
        await asyncio.sleep(0.01)
        done.append("works")

    async with Errands(MemoryRecorder(), ScriptedHolds(), Uncounted()) as errands:
        errands.start(fails())
        errands.start(works())
    assert done == ["works"]


async def test_an_error_inside_of_the_with_comes_out_as_it_is() -> None:
    with pytest.raises(GatewayError, match="taken"):
        async with Errands(MemoryRecorder(), ScriptedHolds(), Uncounted()):
            raise GatewayError("the socket is taken")
