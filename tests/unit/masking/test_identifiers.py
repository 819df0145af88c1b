"""Identifiers hold digits by chance. Masked, they would break what asks for them by that name."""

import pytest

from bench.identifiers import maskers, some, touched
from masking.identifiers import AROUND, within

UUIDS = ("UUID, version 4", "UUID, version 7", "UUID behind a name", "UUID, upper case")
DIGESTS = ("SHA-256, 64 hex digits", "git commit, 40", "trace id or MD5, 32", "MongoDB object id, 24", "traceparent")
OTHERS = ("ULID", "time, ISO 8601", "Unix time, s to ns")
COUNT = {"values": 200, "lines": 2000}


@pytest.mark.parametrize("kind", [*UUIDS, *DIGESTS])
def test_none_is_touched_even_where_the_fields_name_announces_something_else(kind: str) -> None:
    assert touched(maskers()["all"], some(kind, 520), "fields") == []


@pytest.mark.parametrize("kind", [*UUIDS, *DIGESTS, *OTHERS])
@pytest.mark.parametrize("form", ["values", "lines"])
def test_none_is_touched(kind: str, form: str) -> None:
    assert touched(maskers()["all"], some(kind, COUNT[form], seed=1), form) == []


def test_the_one_that_was_taken_for_a_card() -> None:
    known = ["probe-01a226e4-3374-7740-8613-be7dce590c72"]
    for masker in maskers().values():
        assert touched(masker, known, "values") == touched(masker, known, "lines") == []
        assert masker.body("text/plain", known[0].encode()).data == known[0].encode()


CARD = "4111111111111111"


@pytest.mark.parametrize(
    "text",
    [
        "01a226e4-3374-7740-«4111-1111-1111-1111»",  # the groups go on otherwise
        "12345678-«4111-1111-1111-1111»",
        "01a226e4-3374-7740-8613-be7dce590c72 «4111 1111 1111 1111»",
        "«4111111111111111» 01a226e4-3374-7740-8613-be7dce590c72",
        "«4111111111111111»-abcdef",
        "id-«4111111111111111»-a",
        "x9a2feaa0c55ad01f«4111111111111111»",  # not hexadecimal all over
        "feaa0c«4111111111111111»",  # as long as no digest is
        "deadbeef«4111111111111111»",  # a word, not digits and letters
        "9A2feaa0c55ad01f«4111111111111111»",  # no digest is written in both cases
        "ref aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaa«4111 1111 1111 1111» end",  # reaches out of a UUID
        "«41111111 11111111»-aaaa-4aaa-8aaa-aaaaaaaaaaaa",  # reaches into one
    ],
)
def test_a_card_beside_or_like_one_is_masked_all_the_same(text: str) -> None:
    raw = text.replace("«", "").replace("»", "")
    want = text[: text.index("«")] + "[CARD]" + text[text.index("»") + 1 :]
    assert maskers()["all"].text(raw)[0] == want


def test_what_counts_as_within() -> None:
    text = b"a probe-01a226e4-3374-7740-8613-be7dce590c72 b"
    at = text.index(b"4-3374")
    assert within(text, at, at + 16)
    assert not within(text, 0, 1)
    two = b"aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaa4111 11111111-1111-4aaa-8aaa-aaaaaaaaaaaa"
    assert within(two, 32, 32 + 18), "from one into the next: nothing of it stands outside of them"
    digits = b"01022644-3374-7740-8613-017100590072"
    assert not within(digits, 0, 18), "all digits: nothing tells it from numbers with hyphens"
    long = b"0a" * (AROUND // 2 - 8) + CARD.encode()
    assert within(long, len(long) - 16, len(long))
    assert not within(b"0a" + long, 2 + len(long) - 16, 2 + len(long)), "longer than any digest"
