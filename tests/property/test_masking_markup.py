"""Markup: the same for every splitting, as whoever renders it would have it, and as it stands."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking import Ruleset
from tests.kit import masked_bodies as kit

HTML = "text/html; charset=utf-8"
HIDDEN = {
    b"<p>card &#52;111 1111 1111 1111, paid</p>": b"<p>card [CARD], paid</p>",
    b"<i>&#x34;111&#X31;&#00000049;1111111111.</i>": b"<i>[CARD].</i>",
    b"<td>4111&nbsp;1111&#160;1111&#xA0;1111</td>": b"<td>[CARD]</td>",
    b"&#49;&#50;&#51;-45-6789 123&#45;45&#x2d 6789": b"[US_SSN] 123&#45;45&#x2d 6789",
    b"<a href='mailto:jane.doe&#64;example.com'>jane.doe&commat;example&period;com</a>": (
        b"<a href='mailto:[EMAIL]'>[EMAIL]</a>"
    ),
    b"4111111111111111&#52; is one more digit to a browser": b"[CARD]&#52; is one more digit to a browser",
    b'<!-- 123-45-6789 --><p id="4111111111111111">&#52': b'<!-- [US_SSN] --><p id="[CARD]">&#52',
}
PLAIN = (
    b"A &amp; B &lt;b&gt; &unknown; &#0; &#xD800; &#x110000; &#99999999; & &; &#; &#x; AT&T &copy 2024 &#169;",
    b"&" * 40 + b"&#" * 20 + b"&#x" * 20 + b"&a" * 20,
    b"&#" + b"0" * 40 + b"52;111111111111111",
    b"&#x26;&#38;amp;&CounterClockwiseContourIntegral;&NotEqualTilde;\xc3\xa9&eacute;",
    b"x &",
    b"x &#5",
    b"x &am",
)


@pytest.mark.parametrize("media", [HTML, "application/xml", "image/svg+xml", "text/markdown"])
def test_what_references_hide_is_masked_whatever_the_cuts(media: str) -> None:
    for body, masked in HIDDEN.items():
        assert kit.same_for_every_cut(media, body, pairs=3) == masked


@pytest.mark.parametrize("body", PLAIN)
def test_everything_else_stays_byte_for_byte(body: bytes) -> None:
    assert kit.same_for_every_cut(HTML, body, pairs=3) == body


def test_a_reference_at_the_end_that_may_be_cut_off_is_read_as_it_stands() -> None:
    assert kit.same_for_every_cut(HTML, b"4111 1111 1111 111&#49") == b"[CARD]"
    assert kit.same_for_every_cut(HTML, b"&#52;111 1111 11") == b"[CARD]"


def test_what_is_shown_of_a_value_is_markup_again() -> None:
    rules = "profiles: {p: [{name: x, pattern: 'ID<[0-9]>[0-9]{5}', operator: {partial: last4}}]}"
    masker = Ruleset.parse(rules, "m.yaml").masker(["p"], keys=kit.KEYS)
    assert masker.body(HTML, b"<p>ID&lt;1&gt;23456").data == b"<p>**&lt;*&gt;*3456"


def test_chunks_by_themselves_are_no_way_to_read_markup() -> None:
    """Negative control: without what is held over the cuts, the same tests fail."""
    different = 0
    for body, masked in HIDDEN.items():
        for chunks in kit.one_cuts(body):
            different += b"".join(kit.whole(HTML, chunk) for chunk in chunks) != masked
    assert different > 100


spellings = st.sampled_from([str, *(f"&#{{:{form}}};".format for form in ("d", "03d")), "&#x{:x};".format])
texts = st.lists(
    st.sampled_from(["4111 1111 1111 1111", "123-45-6789", "jane.doe@example.com", "<p>", "a & b", "&amp;", "é", "7"]),
    max_size=4,
).map(" ".join)


@given(texts, st.data())
def test_a_reader_of_the_markup_sees_what_a_reader_of_the_text_would(text: str, data: st.DataObject) -> None:
    def spelled(char: str) -> str:
        spelling = data.draw(spellings)
        return char if spelling is str else str(spelling(ord(char)))

    body = "".join(spelled(char) if char.isalnum() and char.isascii() else char for char in text).encode()
    masked = kit.streamed(HTML, kit.bytewise(body))
    assert masked == kit.whole(HTML, body)
    assert html.unescape(masked.decode()) == kit.whole("text/plain", html.unescape(body.decode()).encode()).decode()
