"""What nobody settled is said to the evidence, once."""

from collections.abc import Iterable

from audit.write import Caller, MemoryRecorder
from authz import losses
from usage import Amounts, Reservation, Uncounted, UsageDown, Who

LOST = Reservation(
    "e-1",
    Who("https://issuer", "bot", "runner", "s-1", "ledger"),
    Amounts(requests=1, output_tokens=99),
    sent=True,
    lost=True,
    charged=Amounts(requests=1, input_tokens=9, request_bytes=7),
)


class Losing(Uncounted):
    def __init__(self) -> None:
        super().__init__()
        self.left = [LOST]

    async def untold(self) -> list[Reservation]:
        if self.fail:
            raise self.fail
        return self.left

    async def told(self, exchanges: Iterable[str]) -> None:
        self.left = [lost for lost in self.left if lost.exchange not in list(exchanges)]


async def test_told_once() -> None:
    usage, recorder = Losing(), MemoryRecorder()
    for _ in range(2):
        await losses.tell(usage, recorder)
    (draft,) = recorder.drafts
    assert (draft.type, draft.exchange, draft.session, draft.connection) == ("exchange.lost", "e-1", "s-1", "ledger")
    assert draft.caller == Caller("https://issuer", "bot", "runner")
    assert draft.data == {"outcome": "lost", "charged": {"requests": 1, "input_tokens": 9, "request_bytes": 7}}


async def test_counters_that_are_down_end_nothing() -> None:
    usage, recorder = Losing(), MemoryRecorder()
    usage.fail = UsageDown("locked")
    await losses.tell(usage, recorder)
    assert recorder.drafts == []
