"""What a mail server's answers make of an attempt."""

import pytest

from approvals.notifying.message import REQUESTED, Note
from approvals.notifying.plan import Outcome
from approvals.notifying.send import Sender
from runtime.clock import SystemClock
from runtime.settings import Notifier
from tests.kit.mail import mailbox

NOTE = Note("n-1", REQUESTED, "a-1", "title", "https://console.example", {})
TO = ["alice@bank.example", "bob@bank.example"]


@pytest.mark.parametrize(
    ("codes", "outcome", "status", "mails"),
    [
        ((0, 0), Outcome.DELIVERED, 250, 1),
        ((0, 550), Outcome.DELIVERED, 250, 1),  # not again to those who have it
        ((451, 0), Outcome.DELIVERED, 250, 1),
        ((550, 550), Outcome.REFUSED, 550, 0),
        ((450, 550), Outcome.REFUSED, 550, 0),
        ((450, 451), Outcome.FAILED, 451, 0),
    ],
)
async def test_a_mail_that_some_recipients_refuse(
    caplog: pytest.LogCaptureFixture, codes: tuple[int, int], outcome: Outcome, status: int, mails: int
) -> None:
    with mailbox() as box:
        box.refused = {address: code for address, code in zip(TO, codes, strict=True) if code}
        told = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "starttls": False, "sender": "exeat@bank.example"}
        async with Sender(SystemClock()) as send:
            got = await send(Notifier(name="mail", kind="email", to=TO, **told), NOTE)
        assert (got, len(box.mails)) == ((outcome, status), mails)
    partly = outcome is Outcome.DELIVERED and any(codes)
    assert [record.getMessage() for record in caplog.records] == ["recipients_refused"] * partly
    assert "bank.example" not in caplog.text
