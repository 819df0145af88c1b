import tracemalloc

import pytest

from masking.jsontext import PIECE
from tests.kit import masked_bodies as kit


def json_string(unit: bytes, count: int) -> tuple[str, bytes]:
    return "application/json", b'{"a":"4111111111111111 ' + unit * count + b' 123-45-6789"}'


def markup(unit: bytes, count: int) -> tuple[str, bytes]:
    return "text/html", b"4111111111111111 " + unit * count + b" 123-45-6789"


@pytest.mark.parametrize(
    ("media", "body"),
    [json_string(rb"\n", PIECE), json_string(rb"\u00e9", PIECE // 3), markup(b"&#52;a ", PIECE // 3)],
)
def test_a_long_text_of_escapes_is_the_same_in_pieces(media: str, body: bytes) -> None:
    expected = kit.whole(media, body)
    assert kit.SECRETS[1].encode() not in expected
    assert b"123-45-6789" not in expected
    for size in (PIECE // 2 - 7, PIECE + 1):
        assert kit.streamed(media, [body[at : at + size] for at in range(0, len(body), size)]) == expected


def test_the_places_of_escapes_are_remembered_for_one_piece_at_a_time() -> None:
    media, body = json_string(rb"\n", 96 << 10)
    kit.whole(media, body[:1000])
    tracemalloc.start()
    try:
        kit.whole(media, body)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 20 << 20
