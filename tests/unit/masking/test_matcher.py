import pytest

from masking.detector import Detector
from masking.detectors.card import CARD
from masking.errors import PatternRefused
from masking.matcher import MAX_CONTEXT, SHOWN, Matcher, compiled


def test_compiled_once() -> None:
    detector = Detector("n", "[0-9]{4}", (), ())
    assert compiled(detector) is compiled(Detector("n", "[0-9]{4}", (), ()))


def test_a_value_with_a_context_ends_only_behind_it() -> None:
    matcher = Matcher(Detector("n", "[0-9]{4}", (), (), context="pin "))
    assert matcher.end(b"pin 1234", 4) == 8
    assert matcher.end(b"pan 1234", 4) == -1


def test_the_next_value_behind_a_context() -> None:
    matcher = Matcher(Detector("n", "[0-9]{4}", (), (), context="(?:pin|old pin)[: ]{1,3}"))
    text = b"1234 old pin: 5678 pin 9012"
    assert matcher.next_value(text, 0, 0) == 14
    assert matcher.next_value(text, 15, 0) == 23
    assert matcher.next_value(text, 24, 0) == -1


def test_the_rest_of_a_long_secret_is_a_run() -> None:
    matcher = Matcher(Detector("k", r"\bk_[a-z]{10,}", (), ()))
    text = b"k_" + b"a" * 500
    assert matcher.end(text, 0) == 2 + 10 + SHOWN
    assert matcher.foreign is not None
    assert matcher.foreign.find(text + b"!", 80) == (502, 503)


@pytest.mark.parametrize("context", ["a*", "a" * (MAX_CONTEXT + 1)])
def test_contexts_have_a_size(context: str) -> None:
    with pytest.raises(PatternRefused, match="context spans"):
        Matcher(Detector("n", "[0-9]", (), (), context=context))


def test_swallow_is_one_class() -> None:
    with pytest.raises(PatternRefused, match="one class"):
        Matcher(Detector("n", "[0-9]", (), (), swallow="ab"))


def test_what_is_cut_off_and_telling() -> None:
    matcher = Matcher(Detector("n", r"\b[0-9]{10}\b", (), ()))
    assert matcher.cut_at(b"x 123456", 0) == 2
    assert matcher.cut_at(b"x 12345", 0) == -1
    assert matcher.cut_at(b"x 123456 ", 0) == -1
    behind = Matcher(Detector("n", "[0-9]{10}", (), (), context="pin "))
    assert behind.cut_at(b"123456 pin 123456", 0) == 11
    assert behind.cut_at(b"pan 123456", 0) == -1
    assert compiled(CARD).cut_at(b"id deadbeef-aaaa-4aaa-8aaa-411111111111", 0) == -1, "a whole UUID"
    assert compiled(CARD).cut_at(b"id deadbeef-aaaa-4aaa-8aaa-4111 1111 11", 0) == 27


def test_a_value_that_begins_with_its_run() -> None:
    matcher = Matcher(Detector("n", "[a-z]{1,9}@x", (), (), apart="[a-z]"))
    assert matcher.end(b"-abc@x", 1) == 6
    assert matcher.end(b"abc@x", 0) == 5
    assert matcher.end(b"abc@x", 1) == -1


def test_the_fraction_of_a_number_is_no_value() -> None:
    matcher = Matcher(Detector("n", r"\b[0-9][0-9 ]{2,8}[0-9]\b", (), (), decimal=True))
    assert matcher.end(b"0.4111", 2) == -1
    assert matcher.end(b"v.4111", 2) == 6
    assert matcher.end(b"0.41 11", 2) == 7  # in groups: no number is written so
