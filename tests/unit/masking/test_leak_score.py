"""The leak score sees what it must: every sample in every format, and maskers that let pieces go too early."""

from collections.abc import Callable

import pytest

from bench.leak import score
from bench.leak.cases import FORMATS, cases
from bench.leak.cuts import SMALL, Effort
from bench.leak.formats import Format
from bench.leak.run import told
from bench.leak.samples import samples
from masking import Keys, Masker, Ruleset

RULES = """
profiles:
  floor:
    - detect: [secrets, pci, bank, us_ssn, email]
    - pattern: "own-[A-Za-z0-9]{20}"
      name: own_key
"""
MASKER = Ruleset.parse(RULES, "masking.yaml").masker(["floor"], keys=Keys(b"k" * 32, b"r" * 64))
SAMPLES = samples("own-Ab3dEf6hIj9lMn2pQr5t")
HEAD = b"x: y\r\n\r\n"
formats = pytest.mark.parametrize("form", [each for each in FORMATS if not each.in_head], ids=lambda form: form.name)


def whole(form: Format, writes: tuple[bytes, ...]) -> bytes:
    stream = MASKER.stream(form.media, encoding=form.encoding or "identity")
    return b"".join([stream.feed(data) for data in writes]) + stream.finish()


def piecewise(masker: Masker) -> Callable[[Format, tuple[bytes, ...]], bytes]:
    return lambda form, writes: b"".join(masker.body("text/plain", data).data for data in writes)


@formats
def test_what_is_not_masked_is_seen(form: Format) -> None:
    case = next(cases(form, SAMPLES, SMALL))
    if form.encoding:
        return  # a client undoes it before it reads
    seen = score.leaked(HEAD + b"".join(case.play.writes), case.samples)
    assert set(seen) == {sample.name for sample in case.samples}
    assert all(size >= 6 for size in seen.values())


@formats
def test_the_masker_leaks_nothing_and_every_splitting_gives_the_whole(form: Format) -> None:
    expected = None
    for case in cases(form, SAMPLES, SMALL):
        out = HEAD + whole(form, case.play.writes)
        assert score.leaked(out, case.samples) == {}, case.name
        expected = told(form, out) if expected is None else expected
        assert told(form, out) == expected, case.name
    assert expected


def test_a_masker_without_memory_is_caught() -> None:
    """Negative control: each write masked by itself, as if nothing could be cut."""
    caught = 0
    masked = piecewise(MASKER)
    for form in FORMATS:
        if form.in_head or form.encoding:
            continue
        every = list(cases(form, SAMPLES, Effort(deltas=4, wire=4, chance=1, bytewise=1)))
        caught += any(score.leaked(HEAD + masked(form, case.play.writes), case.samples) for case in every)
    assert caught >= 20


@pytest.mark.parametrize(
    "shown",
    [
        b'{"t":"\\u0034\\u0035\\u0033\\u0039\\u0035\\u0037"}',
        b'{"t":"{\\"u\\":\\"\\\\u0034\\\\u0035\\\\u0033\\\\u0039\\\\u0035\\\\u0037\\"}"}',
        b'data: {"d":"453"}\n\ndata: {"d":"957"}\n\n',
        b"q=4539%357",
        b'{"d":"eHh4eHh4eHh4eHh4eHh4eDQ1Mzk1Nw=="}',
    ],
)
def test_coats_in_which_a_secret_may_come(shown: bytes) -> None:
    assert score.leaked(HEAD + shown, SAMPLES[:1]) == {"card": 6}
