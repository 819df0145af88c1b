"""The law of masking/text.py: however a text is cut, out comes what the whole gives, and nothing comes early."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from masking.detector import Detector
from masking.detectors import ALL
from masking.finding import Findings
from masking.scan import Scanner
from masking.text import MOST_SWALLOWED, TextStream
from tests.kit.masked_texts import USUAL, example, pieces, scanner_of, secrets, splittings, streamed, usual, whole

EXAMPLES = [
    pytest.param(detector, text, id=f"{detector.name}-{at}-{n}")
    for at, detector in enumerate(ALL)
    if not detector.needs
    for n, text in enumerate((*detector.positive, *detector.negative))
]
# Between them: nothing, white space, punctuation, a letter, a digit, half a multi-byte character.
FRAMES = ["%s", " %s ", '{"a":"%s"}', "x%s.", "0%s\n", "é%sé"]
SHORT = 48


def must_agree(scanner: Scanner, text: bytes, *, closed: bool, pairs_up_to: int = 0, some: int = 4) -> None:
    want, findings = whole(scanner, text, closed)
    for parts in splittings(text, pairs_up_to=pairs_up_to, some=some, seed=len(text)):
        out, found = streamed(scanner, parts, closed)
        assert b"".join(out) == want, parts
        assert found == findings, parts


@pytest.mark.parametrize(("detector", "text"), EXAMPLES)
def test_one_detector_agrees_for_every_cut(detector: Detector, text: str) -> None:
    raw, _ = example(text, detector.name)
    must_agree(scanner_of(detector), raw, closed=True, pairs_up_to=SHORT)
    must_agree(scanner_of(detector), raw, closed=False)


@pytest.mark.parametrize("frame", FRAMES)
def test_all_detectors_together_agree_in_every_frame(frame: str) -> None:
    chance = random.Random(frame)
    for detector in USUAL:
        text = chance.choice(detector.positive)
        raw, _ = example(frame % text, detector.name)
        must_agree(usual(), raw, closed=chance.random() < 0.5, some=2)


def test_no_byte_of_a_secret_leaves_early() -> None:
    """After every piece, what has come out so far is a beginning of the masked whole: nothing is ever taken back."""
    for detector in USUAL:
        for text in detector.positive:
            raw, _ = example(text, detector.name)
            scanner = scanner_of(detector)
            want, _ = whole(scanner, raw)
            out, _ = streamed(scanner, pieces(raw, range(1, len(raw))))
            sent = b""
            for part in out:
                sent += part
                assert want.startswith(sent), (text, sent)
            for secret in secrets(text):
                assert secret not in sent


class Eager(TextStream):
    """The negative control: the same core without hold-back."""

    def feed(self, data: bytes) -> bytes:
        return self.finish(data, closed=True)


def test_without_hold_back_the_law_fails() -> None:
    """The tests above can fail: let go at once, most examples differ for some cut."""
    differ = total = 0
    for detector in USUAL:
        raw, _ = example(detector.positive[0], detector.name)
        scanner = scanner_of(detector)
        want, _ = whole(scanner, raw)
        total += 1
        outs = (
            streamed(scanner, pieces(raw, (cut,)), make=lambda s, f: Eager(s, "$", f))[0] for cut in range(1, len(raw))
        )
        differ += any(b"".join(out) != want for out in outs)
    assert differ > total * 0.9


FRAGMENTS = [example(text, d.name)[0] for d in USUAL for text in d.positive if len(text) < 120]
PIECES = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.sampled_from(FRAGMENTS).flatmap(lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut])),
    st.text(alphabet="0123456789 -.:@/_aAeEyJskrouting\"'=,é\u202f\n", max_size=24).map(str.encode),
    st.binary(max_size=6),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(PIECES, min_size=1, max_size=6).map(b"".join), st.randoms(use_true_random=False), st.booleans())
def test_any_text_agrees_for_any_cuts(text: bytes, chance: random.Random, closed: bool) -> None:
    want, findings = whole(usual(), text, closed)
    for _ in range(6):
        cuts = sorted(chance.choices(range(len(text) + 1), k=chance.randint(1, 9)))
        out, found = streamed(usual(), pieces(text, cuts), closed)
        assert b"".join(out) == want
        assert found == findings
    out, found = streamed(usual(), pieces(text, range(1, len(text))), closed)
    assert (b"".join(out), found) == (want, findings)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4).map(b"".join), st.binary(max_size=40))
def test_the_context_decides_as_text_before_does(text: bytes, before: bytes) -> None:
    """A stream with left context masks what the same text behind that context would have masked."""
    scanner = scanner_of(*(d for d in USUAL if not d.context))
    sink, with_context = Findings(), Findings()
    plain = TextStream(scanner, "$", sink)
    head = plain.feed(before)
    if plain.held or b"[" in head:
        return  # a secret of its own in the context: not what this is about
    whole_out = plain.finish(text, closed=True)
    other = TextStream(scanner, "$", with_context, context=before)
    assert other.finish(text, closed=True) == whole_out


HOSTILE = {
    "ab12": b"AB12 AB12 ",
    "fours": b"4 ",
    "cards": b"4411 2233 ",
    "colons": b"1:",
    "dots": b"1.",
    "dates": b"2024-01-02,",
    "uuids": b"6ba7b810-9dad-11d1-80b4-00c04fd430c8 ",
    "hex": b"deadbeefcafe0123 ",
    "at": b"a@",
    "ssn": b"123-45-",
    "password": b"password=",
    "routing": b"routing ",
    "born": b"born 1987 ",
    "pem": b"-----BEGIN ",
    "jwt": b"eyJabcabcabcabcabc",
    "ey": b"ey-",
    "key": b"sk-ant-",
    "phone": b"(415) ",
    "url": b"http://a:",
    "ten": b"0123456789",
}


class Counting(Scanner):
    """Counts what costs: starts examined, closures searched."""

    def __init__(self, scanner: Scanner) -> None:
        super().__init__(scanner.rules, scanner._keys)
        self.work = 0

    def examine(self, *args: object) -> object:  # type: ignore[override]
        self.work += 1
        return super().examine(*args)  # type: ignore[arg-type]

    def next_value(self, text: bytes, pos: int) -> int:
        self.work += 1
        return super().next_value(text, pos)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_cost_in_proportion(name: str) -> None:
    """Twice the text is at most a little more than twice the work, and the work per KiB has a bound."""
    unit = HOSTILE[name]
    work = []
    for size in (8 << 10, 16 << 10):
        scanner = Counting(usual())
        text = (unit * (size // len(unit) + 1))[:size]
        TextStream(scanner, "$", Findings()).finish(text, closed=True)
        work.append(scanner.work)
    assert work[1] <= 2.2 * work[0] + 64
    assert work[1] <= 16 * 400


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_hold_no_more_than_the_widest_rule(name: str) -> None:
    scanner = usual()
    stream = TextStream(scanner, "$", Findings())
    text = HOSTILE[name] * 600
    for at in range(0, 4096, 7):
        stream.feed(text[at : at + 7])
        assert stream.held <= scanner.combined.widest


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_agree_too(name: str) -> None:
    text = HOSTILE[name] * (3000 // len(HOSTILE[name]))
    want, findings = whole(usual(), text)
    for step in (1, 13, 1000):
        out, found = streamed(usual(), pieces(text, range(step, len(text), step)))
        assert b"".join(out) == want
        assert found == findings


def test_too_many_refused_candidates_are_masked() -> None:
    """Spaced digits by the hundred: after the window's share of refusals, the rest of the run goes unseen."""
    out, findings = whole(usual(), b"4 2 " * 400)
    assert b"[DENSE]" in out
    assert len(out) < 400
    assert any(each.rule == "dense" for each in findings)


@pytest.mark.parametrize("before", range(60, 84))
def test_a_window_that_runs_full_inside_a_masked_value_gives_nothing_of_it_back(before: int) -> None:
    """Candidates that are turned down inside of a password end before the password does."""
    secret = b"x-" + b"4-" * 18 + b"hunter2-" + b"4-" * 15 + b"x"
    text = b"4 " * before + b"see postgres://user:" + secret + b"@host/db"
    out, _ = whole(usual(), text)
    assert b"hunter" not in out
    must_agree(usual(), text, closed=True)


def test_swallowing_ends_at_its_cap() -> None:
    """A private key without END must not eat a whole channel: after the cap, white space ends the run."""
    header = b"-----BEGIN RSA PRIVATE" + b" KEY-----\n"
    body = (b"A" * 63 + b"\n") * (MOST_SWALLOWED // 64 + 64)
    text = header + body + b"the rest is prose"
    out, _ = whole(usual(), text)
    assert out.endswith(b"the rest is prose")
    for cut in (len(header), len(header) + MOST_SWALLOWED, len(text) - 5):
        assert b"".join(streamed(usual(), pieces(text, (cut,)))[0]) == out
