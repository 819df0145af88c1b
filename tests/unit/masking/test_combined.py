from masking.combined import Combined, combined
from masking.detector import Detector

PLAIN = Detector("plain", r"\b[0-9]{4}-[0-9]{2}\b", (), ())
WORD = Detector("word", r"\bkey_[a-z]{8,}", (), ())
SAID = Detector("said", "[0-9]{4}", (), (), context="pin[: ]{1,4}")
ALSO = Detector("also", "[a-z]{4}", (), (), context="pass ")


def test_made_once_per_choice() -> None:
    assert combined((PLAIN, WORD)) is combined((PLAIN, WORD))


def test_the_shape_of_a_text_tells_detectors_apart() -> None:
    both = Combined((PLAIN, WORD, SAID))
    assert both.starting(b"1234-56", 0, False) == (0,)
    assert both.starting(b"key_abc", 0, False) == (1,)
    assert both.starting(b"x1234-5", 1, False) == ()  # no word boundary
    assert both.starting(b"12-3456", 0, False) == ()
    assert both.starting(b"pin 123456", 4, True) == (2,)
    assert both.starting(b"pin 123456", 4, False) == ()
    assert both.starting(b"pix1234", 3, True) == ()  # the context cannot end in x


def test_short_texts_keep_their_chance() -> None:
    assert Combined((PLAIN,)).starting(b"12", 0, False) == (0,)


def test_values_are_found_in_order_whatever_their_context() -> None:
    both = Combined((SAID, ALSO))
    text = b"pass word pin: 1234 pass abcd"
    found, pos = [], 0
    while (pos := both.next_value(text, pos)) < len(text):
        found.append(text[pos : pos + 4])
        pos += 1
    assert found == [b"word", b"1234", b"abcd"]


def test_a_context_may_stand_before_what_is_done() -> None:
    both = Combined((SAID,))
    assert both.next_value(b"pin 1234", 4) == 4
    assert both.next_value(b"pin 1234", 5) == 8


def test_the_widest_match_bounds_what_is_held() -> None:
    assert Combined((PLAIN, SAID)).widest == 7
    assert Combined(()).widest == 0
