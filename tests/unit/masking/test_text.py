"""The text core by example; its law has tests of its own in tests/property/test_masking_text.py."""

import itertools

from masking.detector import Detector
from masking.edits import CLOSED, Edit
from masking.finding import Findings
from masking.text import TextStream, mask_text, short_text
from tests.kit.masked_texts import USUAL, example, scanner_of, start, usual, whole


def test_a_card_in_two_deltas() -> None:
    sink = Findings()
    stream = start(usual(), sink)
    assert stream.feed(b"your card is 4111 11") == b"your card is "
    assert stream.held == 7
    assert stream.feed(b"11 1111 1111") == b""
    assert stream.feed(b", ok") == b"[CARD], "
    assert stream.finish(closed=True) == b"ok"
    assert [(found.rule, found.where, found.count) for found in sink.take()] == [("card", "$", 1)]


def test_what_turns_out_harmless_is_let_go() -> None:
    stream = start(scanner_of(Detector("n", r"\b[0-9]{4}\b", (), ())), Findings())
    assert stream.feed(b"in 20") == b"in "
    assert stream.feed(b"26x") == b"2026x"


def test_context_is_never_emitted() -> None:
    detector = Detector("aba", "[0-9]{4}", (), (), context='"routing":"')
    out = mask_text(scanner_of(detector), "$.routing", Findings(), b"1234", context=b'{"routing":"')
    assert out == b"[ABA]"
    assert mask_text(scanner_of(detector), "$.other", Findings(), b"1234", context=b'{"other":"') == b"1234"


def test_context_within_the_channel_may_have_been_sent() -> None:
    stream = start(usual(), Findings())
    assert stream.feed(b"routing number: ") == b"routing number: "
    assert stream.feed(b"021000021") == b""
    assert stream.finish(b".", closed=True) == b"[US_ABA]."


def test_a_long_secret_goes_at_its_beginning_and_the_rest_is_dropped() -> None:
    stream = start(usual(), Findings())
    assert stream.feed(b"key sk-ant-" + b"a1" * 20) == b"key "
    assert stream.feed(b"b2" * 1000) == b"[ANTHROPIC_KEY]"
    assert stream.held == 0
    assert stream.feed(b"c3" * 1000) == b""
    assert stream.feed(b" and on ") == b" and on "


def test_a_private_key_ends_with_its_end() -> None:
    text = b"-----BEGIN EC PRIVATE" + b" KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\nnext"
    assert whole(usual(), text)[0] == b"[PRIVATE_KEY]\nnext"


def test_an_end_that_nothing_closed_masks_what_is_telling() -> None:
    for text, want in (
        (b"card 4111 1111 1", b"card [CARD]"),
        (b"card 4111 1111", b"card 4111 1111"),  # the issuer's number
        (b"card 9781 1111 1111", b"card 9781 1111 1111"),
        (b"use sk-ant-api03-aaaa", b"use [ANTHROPIC_KEY]"),
        (b"use sk-learn", b"use sk-learn"),
        (b"your code is 123456", b"your code is 123456"),
        (b"meet on 2027-01-01", b"meet on 2027-01-01"),
        (b"ssn 123-45-6", b"ssn [US_SSN]"),
        (b"219099999 is m", b"[US_SSN]"),
        (b"mail joe@exa", b"mail [EMAIL]"),
        (b"mail joe", b"mail joe"),
        (b"pan face0a1b2c3d411111111111", b"pan face0a1b2c3d[CARD]"),  # behind a word, as long as some id by now
    ):
        assert whole(usual(), text, closed=False)[0] == want
        assert whole(usual(), text, closed=True)[0] == text


def test_findings_name_their_place() -> None:
    sink = Findings()
    mask_text(usual(), "$.messages[*].text", sink, b"4111111111111111 4111111111111111")
    (found,) = sink.take()
    assert (found.where, found.count) == ("$.messages[*].text", 2)
    assert "4111" not in repr(found)


def test_edits_are_in_offsets_of_the_channel() -> None:
    stream = TextStream(usual(), "$", Findings(), context=b'"a":"')
    first = stream.push(b"ssn 123-45-")
    second = stream.push(b"6789 x")
    assert first == []
    assert [(edit.start, edit.end, edit.text) for edit in second] == [(4, 15, b"[US_SSN]")]
    assert stream.decided == 16


def test_short_texts_are_masked_as_the_stream_would() -> None:
    """The short way of documents' values, for every example, with and without text before it."""
    texts = [example(text, each.name)[0] for each in USUAL for text in (*each.positive, *each.negative)]
    texts += [b"%s %s" % pair for pair in list(itertools.pairwise(texts))[::5] if sum(map(len, pair)) < 62]
    for text in texts:
        for context in (b"", b'"routing":"'):
            sinks = Findings(), Findings()
            stream = TextStream(usual(), "$", sinks[0], context=context)
            want = [Edit(start + 7, stop + 7, new) for start, stop, new in stream.push(text, CLOSED)]
            assert short_text(usual(), "$", sinks[1], text, context=context, by=7) == want
            assert sinks[0].take() == sinks[1].take()
