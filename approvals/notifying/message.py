"""What a notifier is told, in its own form. Pure.

Texts come from strangers (an agent's justification is not among them): they are short, on one line, and escaped for
where they go. A signature is that of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from approvals.machine import Approval
from approvals.standing import Standing

MOST = 300  # characters of one text
KEY_PREFIX, KEY_BYTES = b"whsec_", 24  # of Standard Webhooks: how a key is written, and the fewest it has
REQUESTED, BREAK_GLASS = "approval.requested", "standing.break_glass"


@dataclass(frozen=True, slots=True)
class Note:
    """`id` is the same in every attempt, so that whoever gets it twice can tell. `facts`: names and short texts."""

    id: str
    what: str
    about: str  # the approval's or standing grant's id
    title: str
    link: str
    facts: Mapping[str, str]
    groups: tuple[str, ...] = ()  # who may answer, or owes the review
    exchange: str = ""


def of_approval(approval: Approval, console: str) -> Note:
    card, terms = approval.card, approval.card.terms
    facts = {
        "agent": card.binding.agent or card.binding.subject,
        "connection": card.binding.connection,
        "action": card.action,
        "rule": card.rule,
        "risk": card.risk,
        "tool": card.tool,
    }
    return Note(
        id=f"{approval.id}.requested",
        what=REQUESTED,
        about=approval.id,
        title=f"Waits for your answer: {_short(card.action or card.message)}",
        link=f"{console}/approvals/{approval.id}",
        facts={name: _short(value) for name, value in facts.items() if value},
        groups=(*terms.any, *terms.all),
        exchange=card.binding.exchange,
    )


def of_emergency(standing: Standing, console: str) -> Note:
    given, reach = standing.given, standing.given.reach
    by = given.votes[0].voter
    facts = {
        "given by": by.email or by.subject,
        "agent": reach.agent or reach.subject,
        "connection": reach.connection,
        "action": reach.action,
    }
    return Note(
        id=f"{standing.id}.break_glass",
        what=BREAK_GLASS,
        about=standing.id,
        title=f"Granted alone in an emergency, owes a review: {_short(reach.action)}",
        link=f"{console}/standing",
        facts={name: _short(value) for name, value in facts.items() if value},
        groups=(*reach.terms.any, *reach.terms.all),
    )


def webhook(note: Note) -> bytes:
    data = {"id": note.about, "title": note.title, "link": note.link, "groups": list(note.groups), **note.facts}
    return _json({"type": note.what, "id": note.id, "data": data})


def signing_key(content: bytes) -> bytes:
    """Of a file: `whsec_` and base64 of the key, else the key itself, with or without a line break after it.

    Raises ValueError: no base64, too short.
    """
    if content.startswith(KEY_PREFIX):
        key = base64.b64decode(content.removeprefix(KEY_PREFIX).strip(), validate=True)
    else:
        key = content.removesuffix(b"\r\n" if content.endswith(b"\r\n") else b"\n")
    if len(key) < KEY_BYTES:
        raise ValueError(f"a key that signs has at least {KEY_BYTES} bytes")
    return key


def signed(note: Note, body: bytes, key: bytes, at_s: int) -> dict[str, str]:
    """The headers of Standard Webhooks; `key`: what `signing_key` gives."""
    said = b".".join((note.id.encode(), str(at_s).encode(), body))
    signature = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    return {"webhook-id": note.id, "webhook-timestamp": str(at_s), "webhook-signature": f"v1,{signature}"}


def slack(note: Note) -> bytes:
    """Block Kit, for an incoming webhook; `plain_text` renders no markup of a stranger's."""
    fields = [{"type": "plain_text", "text": f"{name}: {value}", "emoji": False} for name, value in note.facts.items()]
    button = {"type": "button", "text": {"type": "plain_text", "text": "Look at it"}, "url": note.link}
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "plain_text", "text": note.title, "emoji": False}, "fields": fields[:10]},
        {"type": "actions", "elements": [button]},
    ]
    return _json({"text": _slack_plain(note.title), "blocks": blocks})


def _slack_plain(text: str) -> str:
    """The fallback of a notification is read as mrkdwn: these three begin anything special."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(note: Note) -> bytes:
    """An Adaptive Card, for a Teams workflow's webhook; a `TextRun` renders no markup of a stranger's."""
    head = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": note.title, "weight": "Bolder"}]}
    lines = [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": f"{name}: {value}"}]}
        for name, value in note.facts.items()
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [head, *lines],
        "actions": [{"type": "Action.OpenUrl", "title": "Look at it", "url": note.link}],
    }
    attached = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return _json({"type": "message", "attachments": [attached]})


def email(note: Note, sender: str, to: list[str]) -> EmailMessage:
    """Plain text; the same `Message-ID` in every attempt, by which mail systems drop a second one."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(to), f"[Exeat] {note.title}"
    mail["Message-ID"] = f"<{note.id}@{sender.rpartition('@')[2] or 'exeat'}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    facts = "\n".join(f"{name}: {value}" for name, value in note.facts.items())
    mail.set_content(f"{note.title}\n\n{facts}\n\nLook at it, and answer there: {note.link}\n")
    return mail


def _short(text: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= MOST else f"{line[: MOST - 1]}…"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
