"""An event stream under another type is masked as one: its readers look at no type. And no text loses a byte by it."""

import pytest

from tests.kit import masked_bodies as kit

CARD = ["The card is 4111", " 1111 1111", " 1111, as asked."]
TYPES = ("application/json", "text/plain", "application/octet-stream", "", "text/csv", "application/x-ndjson")
PEM = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("media", TYPES)
@pytest.mark.parametrize("before", [b"", b": hello\n\n", b"\n\n", b"id: 7\n"])
def test_no_client_that_joins_the_pieces_sees_the_secret(media: str, before: bytes) -> None:
    stream = before + b"".join(kit.chat_stream(CARD, []))
    out = kit.whole(media, stream)
    said = "".join(
        choice["delta"].get("content") or ""
        for body in kit.data_of(out)
        if isinstance(body, dict)
        for choice in body["choices"]
    )
    assert said == "The card is [CARD], as asked."
    assert kit.streamed(media, kit.bytewise(stream)) == out


@pytest.mark.parametrize("media", TYPES)
def test_every_cut_gives_the_whole(media: str) -> None:
    kit.same_for_every_cut(media, b"".join(kit.chat_stream(CARD[:2], [])))


@pytest.mark.parametrize(
    "text",
    [
        b"data: is what this note begins with,\nand it goes on. No event anywhere.\n",
        b"id: 7\nname: Ann\n",
        b"data: {a: 1, b: 2}\nmore: [3]\n",
        b"data: [1, 2]",
        b": a remark\nkey: value\n\nmore: text\n",
        b"event: the annual meeting\n\n\nretry: never",
        b"retry",
        b"da",
        b"\n\n",
        b"data",
    ],
)
@pytest.mark.parametrize("media", ["text/plain", "application/octet-stream", "application/json"])
def test_text_that_begins_like_events_keeps_its_bytes(media: str, text: bytes) -> None:
    assert kit.whole(media, text) == text
    assert kit.streamed(media, kit.bytewise(text)) == text


@pytest.mark.parametrize("media", ["text/plain", "application/yaml"])
def test_secrets_over_several_lines_are_found_as_in_any_text(media: str) -> None:
    text = b"data:\n  key: |\n" + PEM + b"pin: 4111111111111111\n"
    out = kit.same_for_every_cut(media, text)
    assert b"MIIE" not in out
    assert b"4111" not in out
