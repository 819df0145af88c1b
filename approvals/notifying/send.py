"""One attempt to deliver a note. Shell. What comes back is a word and a number, never a text of the other side."""

import asyncio
import smtplib
import ssl
from typing import Protocol

import httpx

from approvals.notifying import message
from approvals.notifying.message import Note
from approvals.notifying.plan import Outcome
from runtime import log
from runtime.clock import Clock
from runtime.settings import Notifier

SECONDS = 10.0
AGAIN = (408, 425, 429)  # of the 4xx, those that may go better later
logger = log.get("approvals")


class Sends(Protocol):
    async def __call__(self, notifier: Notifier, note: Note) -> tuple[Outcome, int]: ...


class Sender:
    """`async with Sender(clock) as send: outcome, status = await send(notifier, note)`. Never raises."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # no redirects: a link that was signed for one place goes to that place
        self._http = httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=False)

    async def __aenter__(self) -> "Sender":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def __call__(self, notifier: Notifier, note: Note) -> tuple[Outcome, int]:
        """The outcome, and the status of HTTP or SMTP (0: there was no answer)."""
        try:
            async with asyncio.timeout(2 * SECONDS):
                status = await (self._mail if notifier.kind == "email" else self._post)(notifier, note)
        except (OSError, httpx.HTTPError, httpx.InvalidURL, ValueError, smtplib.SMTPException) as error:
            status = _smtp_code(error)
            return (Outcome.REFUSED if 500 <= status < 600 else Outcome.FAILED), status
        if 200 <= status < 300:
            return Outcome.DELIVERED, status
        final = 300 <= status < 500 and status not in AGAIN
        return (Outcome.REFUSED if final else Outcome.FAILED), status

    async def _post(self, notifier: Notifier, note: Note) -> int:
        body = {"webhook": message.webhook, "slack": message.slack, "teams": message.teams}[notifier.kind](note)
        headers = {"content-type": "application/json", "idempotency-key": note.id}
        if notifier.secret_file is not None:
            headers |= message.signed(note, body, _key(notifier), self._clock.now_us() // 1_000_000)
        # only the status is looked at: whatever the other side says stays there
        async with self._http.stream("POST", notifier.address(), content=body, headers=headers) as answer:
            return answer.status_code

    async def _mail(self, notifier: Notifier, note: Note) -> int:
        refused = await asyncio.to_thread(_send_mail, notifier, note)
        if refused:  # the others have it: a second attempt would tell them again
            fields = {"notifier": notifier.name, "refused": refused, "of": len(notifier.to)}
            logger.warning("recipients_refused", extra={"fields": fields})
        return 250


def _key(notifier: Notifier) -> bytes:
    """Raises OSError, ValueError; what failed is in the log, the key is not."""
    assert notifier.secret_file is not None
    try:
        return message.signing_key(notifier.secret_file.read_bytes())
    except (OSError, ValueError) as error:
        fields = {"notifier": notifier.name, "error": type(error).__name__}
        logger.warning("signing_key_unusable", extra={"fields": fields})
        raise


def _smtp_code(error: Exception) -> int:
    """Of all recipients' refusals the largest: one that is for good (5xx, RFC 5321) outweighs one that may pass."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    return int(getattr(error, "smtp_code", 0))


def _send_mail(notifier: Notifier, note: Note) -> int:
    """How many recipients were refused, though not all. Raises SMTPRecipientsRefused when all were."""
    mail = message.email(note, notifier.sender, notifier.to)
    with smtplib.SMTP(notifier.smtp_host, notifier.smtp_port, timeout=SECONDS) as smtp:
        if notifier.starttls:
            smtp.starttls(context=ssl.create_default_context())
        if notifier.user and notifier.secret_file is not None:
            smtp.login(notifier.user, notifier.secret_file.read_text("utf-8").strip())
        return len(smtp.send_message(mail))
