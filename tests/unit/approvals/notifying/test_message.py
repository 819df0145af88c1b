"""What notifiers are told: the card, its link, and nothing that was held."""

import base64
import hashlib
import hmac
import json

import pytest

from approvals.book import Book
from approvals.facts import Shown
from approvals.notifying import message
from approvals.notifying.message import MOST, Note, of_approval, signing_key
from tests.kit.approvals import ask

CONSOLE = "https://console.example"


def note(**changed: object) -> Note:
    book = Book((), 1)
    return of_approval(book.request(ask(**changed), 1, "id-1"), CONSOLE)


def test_it_names_the_card_and_not_its_content() -> None:
    told = note(shown=Shown("text/plain", b"held-content"), justification="said-by-an-agent", risk="high")
    assert told.link == "https://console.example/approvals/id-1"
    assert told.groups == ("ledger-approvers",)
    mail = message.email(told, "exeat@bank.example", ["a@bank.example"])
    for body in (message.webhook(told), message.slack(told), message.teams(told), mail.as_bytes()):
        assert b"POST /ledger/transfers" in body
        assert told.link.encode() in body
        assert b"held-content" not in body
        assert b"said-by-an-agent" not in body


def test_texts_of_strangers_are_short_plain_and_on_one_line() -> None:
    told = note(action="line 1\nline 2\x1b[2J" + "x" * 999)
    assert len(told.facts["action"]) == MOST
    assert told.facts["action"].isprintable()
    mail = message.email(told, "exeat@bank.example", ["a@bank.example"])
    assert "\n" not in str(mail["Subject"])
    assert [name for name, _ in mail.items()].count("To") == 1


def test_no_markup_of_a_stranger_is_rendered() -> None:
    told = note(action="<!channel> *now* [here](https://evil.example)")
    slack = json.loads(message.slack(told))
    assert slack["text"].count("<") == 0
    assert {block["text"]["type"] for block in slack["blocks"] if "text" in block} == {"plain_text"}
    assert {field["type"] for field in slack["blocks"][0]["fields"]} == {"plain_text"}
    (attached,) = json.loads(message.teams(told))["attachments"]
    assert {part["type"] for part in attached["content"]["body"]} == {"RichTextBlock"}
    links = [action["url"] for action in attached["content"]["actions"]]
    assert links == [told.link]


def test_the_signature_is_that_of_standard_webhooks() -> None:
    told = note()
    body = message.webhook(told)
    headers = message.signed(told, body, b"a key", 1_700_000_000)
    said = f"{headers['webhook-id']}.1700000000.".encode() + body
    expected = base64.b64encode(hmac.new(b"a key", said, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert message.signed(told, body, b"another", 1_700_000_000) != headers


KEY = b"\x00a key as bytes, of which 33.\n\r\n"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_key_is_what_the_standards_libraries_take_it_for(end: bytes) -> None:
    assert signing_key(b"whsec_" + base64.b64encode(KEY) + end) == KEY
    assert signing_key(b" spaces are bytes of a key " + end) == b" spaces are bytes of a key "


SHORT = b"x" * 23


@pytest.mark.parametrize("content", [b"", SHORT + b"\n", b"whsec_" + base64.b64encode(SHORT), b"whsec_" + b"*" * 40])
def test_a_key_that_is_too_short_or_no_base64_signs_nothing(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"24 bytes|[Bb]ase64"):
        signing_key(content)


def test_a_second_attempt_is_known_by_its_id() -> None:
    first, second = note(), note()
    assert first.id == second.id
    ids = {message.email(each, "exeat@bank.example", ["a@b.example"])["Message-ID"] for each in (first, second)}
    assert ids == {f"<{first.id}@bank.example>"}
