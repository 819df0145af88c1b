"""Every detector's examples are its tests; what is said here is said of all of them."""

import pytest

from masking.detector import Detector
from masking.detectors import ALL, GROUPS, NAMES, select
from masking.matcher import compiled
from tests.kit.masked_texts import USUAL, example, scanner_of, usual, whole

POSITIVE = [pytest.param(d, text, id=f"{d.name}-{n}-{text[:24]}") for n, d in enumerate(ALL) for text in d.positive]
NEGATIVE = [pytest.param(d, text, id=f"{d.name}-{n}-{text[:24]}") for n, d in enumerate(ALL) for text in d.negative]


@pytest.mark.parametrize(("detector", "text"), POSITIVE)
def test_what_is_marked_is_masked_and_nothing_else(detector: Detector, text: str) -> None:
    raw, want = example(text, detector.name)
    assert whole(scanner_of(detector), raw)[0] == want


@pytest.mark.parametrize(("detector", "text"), NEGATIVE)
def test_lookalikes_stay(detector: Detector, text: str) -> None:
    assert whole(scanner_of(detector), text.encode())[0] == text.encode()


@pytest.mark.parametrize("detector", ALL, ids=lambda d: d.name)
def test_every_entry_is_complete(detector: Detector) -> None:
    assert detector.positive, "an entry needs an example"
    assert detector.name == detector.name.lower()
    matcher = compiled(detector)
    assert matcher.name == detector.name
    assert matcher._decisive.pattern


@pytest.mark.parametrize("detector", USUAL, ids=lambda d: d.name)
def test_together_with_all_others_nothing_marked_stays_visible(detector: Detector) -> None:
    for text in detector.positive:
        raw, _ = example(text, detector.name)
        out, findings = whole(usual(), raw)
        assert findings
        for secret in (each.split("»")[0] for each in text.split("«")[1:]):
            assert secret.encode() not in out


def test_masking_twice_changes_nothing() -> None:
    for detector in USUAL:
        for text in detector.positive:
            once, _ = whole(usual(), example(text, detector.name)[0])
            assert whole(usual(), once) == (once, [])


def test_names_groups_and_selection() -> None:
    assert {"card", "us_ssn", "iban", "email", "jwt", "private_key", "github_token"} <= NAMES
    assert {"secrets", "pii", "pci", "financial"} <= GROUPS
    assert {d.name for d in select("pci")} == {"card"}
    assert {d.name for d in select("us_ssn")} == {"us_ssn"}
    assert len(select("us_ssn")) > 1
    assert select("nothing") == ()
    assert not NAMES & GROUPS, "a name and a group may not be called the same"


def test_what_needs_a_package_or_a_choice_of_its_own_is_in_no_group() -> None:
    assert all(not detector.groups for detector in ALL if detector.needs or detector.name == "email_domain")


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over 13 lazy dogs at 10:45 on 2024-01-31.",
        "v1.2.3-rc.4 of package foo_bar, sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "id 6ba7b810-9dad-11d1-80b4-00c04fd430c8, 1,234,567.89 EUR, ts 1785542400123",
        "def f(x: int) -> dict[str, int]: return {'a': x ** 2, 'b': std::move(y)}",
        "GET /v1/accounts?limit=100&cursor=abc HTTP/1.1 200 OK in 35 ms",
        "Please send the account review to the passport office; born leaders, licensed software, social security act.",
    ],
)
def test_ordinary_text_passes_untouched(text: str) -> None:
    assert whole(usual(), text.encode()) == (text.encode(), [])
