"""Rolling windows err on the strict side, by one bucket."""

import pytest

from usage.windows import SECOND, WINDOWS, Window

NOW = 1_700_000_123_456_789


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.name)
def test_what_happened_counts_for_the_whole_window_and_at_most_a_bucket_longer(window: Window) -> None:
    at = window.at(NOW)
    assert at >= window.first(NOW + window.length * SECOND)
    assert at < window.first(NOW + (window.length + window.bucket) * SECOND)
    assert window.length % window.bucket == 0


def test_the_windows() -> None:
    assert [(window.name, window.length) for window in WINDOWS] == [
        ("minute", 60),
        ("hour", 3600),
        ("day", 86_400),
        ("month", 2_592_000),
    ]
