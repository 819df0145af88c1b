import pytest

from masking.detector import Detector, joined, prefixed
from tests.kit.masked_texts import scanner_of, whole


def test_joined_looks_behind_a_word() -> None:
    plain = Detector("n", r"\b[0-9]{4}\b", (), ("«1234»",))
    behind = joined(plain, positive=("a«1234»",))
    assert whole(scanner_of(plain), b"a1234 1234")[0] == b"a1234 [N]"
    assert whole(scanner_of(behind), b"a1234 1234")[0] == b"a[N] 1234"


def test_joined_is_for_patterns_with_a_boundary() -> None:
    with pytest.raises(AssertionError):
        joined(Detector("n", "[0-9]{4}", (), ()), positive=())


def test_a_prefixed_secret_of_any_length_goes_whole() -> None:
    detector = prefixed("k", "key_", "[a-z]{5,}", "mine", positive=())
    assert detector.groups == ("secrets", "mine")
    assert whole(scanner_of(detector), b"key_abcd key_" + b"a" * 5000 + b" x")[0] == b"key_abcd [K] x"


def test_a_cut_off_secret_is_masked_from_its_prefix_on() -> None:
    detector = prefixed("k", "key_", "[a-z]{9,}", positive=())
    assert whole(scanner_of(detector), b"x key_abcd", closed=False)[0] == b"x [K]"
    assert whole(scanner_of(detector), b"x key_abc", closed=False)[0] == b"x key_abc"
    assert whole(scanner_of(detector), b"x key_abcd", closed=True)[0] == b"x key_abcd"
