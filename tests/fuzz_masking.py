"""Fuzzing of masking, for `make fuzz`: random texts, bodies and cuts, for as long as one likes.

    python -m tests.fuzz_masking [--seconds 60] [--seed 1]

A failure prints the seed, the input and the cuts that show it, and exits 1. What is checked: streamed equals whole, in
bytes and findings; a planted secret is not in the output; JSON stays JSON, and stays as it is when nothing was found.
"""

import argparse
import base64
import json
import random
import sys
import time
from collections.abc import Callable, Iterator

from masking import Masker, Ruleset
from masking.errors import Uninspectable
from tests.kit.masked_texts import KEYS, USUAL, example, pieces, streamed, usual, whole

RULES = """
profiles:
  all:
    - detect: [pci, pii, financial, secrets, network, assigned, securities, coins]
    - key: [password, "*secret*"]
    - path: ["$.a.pin", "list[*].number"]
      operator: {partial: last4}
"""
ALPHABET = [
    *b"0 1 2 4 5 9 10 12 41 - . : / @ a e b1 x_ y J k \n \t \" ' = , ; % + :: < > { } [ ] \\ \\n".split(b" "),
    *b"\\u0034 \\u00e9 \xc3\xa9 \xe2\x80\xaf \xc2\xa0 \xff \xed\xa0\x80 \x00 4111 Zm9v (415) 123-45-".split(b" "),
    *b"routing dob born iban tin tel password= http://a: sk- ghp_ eyJ AKIA Bearer xoxb- -----BEGIN".split(b" "),
    *[b" "] * 6,
]
PLANTED = [(example(text, d.name)[0], d.name) for d in USUAL for text in d.positive]
Check = Callable[[random.Random], None]


def noise(chance: random.Random, most: int = 24) -> bytes:
    return b"".join(chance.choices(ALPHABET, k=chance.randint(0, most)))


def a_text(chance: random.Random) -> bytes:
    parts = []
    for _ in range(chance.randint(1, 6)):
        raw, _ = chance.choice(PLANTED)
        parts.append(noise(chance) if chance.random() < 0.6 else raw[: chance.randint(1, len(raw))])
    return b"".join(parts)


def cuts(chance: random.Random, text: bytes) -> Iterator[list[bytes]]:
    yield pieces(text, range(1, len(text)))
    for _ in range(4):
        yield pieces(text, sorted(chance.choices(range(len(text) + 1), k=chance.randint(1, 10))))


def text_law(chance: random.Random) -> None:
    text, closed = a_text(chance), chance.random() < 0.5
    want = whole(usual(), text, closed)
    for parts in cuts(chance, text):
        out, found = streamed(usual(), parts, closed)
        assert (b"".join(out), found) == want, (text, closed, parts)


def nothing_planted_stays(chance: random.Random) -> None:
    text = chance.choice([text for d in USUAL for text in d.positive])
    frame = chance.choice(["%s", "see %s.", '{"x": "%s"}', "<b>%s</b>", "a\n%s\nb", "(%s)", "| %s |"])
    raw, _ = example(frame % text, "x")
    out, _ = whole(usual(), raw)
    for secret in (each.split("»")[0].encode() for each in text.split("«")[1:]):
        assert secret not in out, (raw, out)


def a_value(chance: random.Random, depth: int = 0) -> object:
    kind = chance.randrange(8 if depth < 4 else 5)
    if kind == 0:
        return chance.choice([None, True, 0, -1.5e3, 4111111111111111, 123456789, chance.randrange(1 << 60)])
    if kind < 4:
        text = a_text(chance).decode("utf-8", "replace")
        wrap = chance.random()
        if wrap < 0.1:
            return json.dumps({"inner": text, "password": "x"})
        return base64.b64encode(text.encode()).decode() if wrap < 0.15 else text
    if kind == 4:
        return []
    keys = ["a", "pin", "list", "number", "password", "routing", "ssn", "dob", "memo", "x y", "clientSecret"]
    if kind == 5:
        return [a_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(keys): a_value(chance, depth + 1) for _ in range(chance.randrange(5))}


def masker() -> Masker:
    return Ruleset.parse(RULES, "fuzz").masker(["all"], keys=KEYS)


MASKER = masker()
MEDIA = ["application/json", "text/event-stream", "text/plain", "application/x-ndjson", "text/csv", "text/html"]


def a_body(chance: random.Random) -> tuple[str, bytes]:
    media = chance.choice(MEDIA)
    ascii_only = chance.random() < 0.3
    indent = chance.choice([None, None, 1])
    document = json.dumps(a_value(chance), ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    if media == "text/event-stream":
        lines = [b"data: " + line for line in document.split(b"\n")] + [b"event: x", b": note", b"data:"]
        return media, chance.choice([b"\n", b"\r\n", b"\r"]).join([*lines, b"", b""])
    if chance.random() < 0.2:
        at = chance.randrange(len(document) + 1)
        document = document[:at] + noise(chance, 4) + document[at + chance.randrange(3) :]
    return media, document


def body_law(chance: random.Random) -> None:
    media, body = a_body(chance)
    try:
        want = MASKER.body(media, body)
    except Uninspectable:
        return
    for parts in cuts(chance, body):
        stream = MASKER.stream(media)
        out = b"".join([stream.feed(part) for part in parts] + [stream.finish()])
        assert out == want.data, (media, body, parts, out, want.data)
        counts = sum(found.count for found in stream.take_findings())
        assert counts == sum(found.count for found in want.findings), (media, body, parts)


def json_stays_json(chance: random.Random) -> None:
    document = a_value(chance)
    body = json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    once = MASKER.body("application/json", body)
    masked = json.loads(once.data)
    assert type(masked) is type(document) or not isinstance(document, (dict, list)), (body, once.data)
    if not once.findings:
        assert once.data == body, (body, once.data)


TARGETS: tuple[Check, ...] = (text_law, nothing_planted_stays, body_law, json_stays_json)


def main() -> int:
    parser = argparse.ArgumentParser(description="fuzz masking")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    end = time.monotonic() + arguments.seconds
    turns, seed = dict.fromkeys((target.__name__ for target in TARGETS), 0), arguments.seed
    while time.monotonic() < end:
        for target in TARGETS:
            try:
                target(random.Random(seed))
            except Exception as exc:
                print(f"{target.__name__} fails with --seed {seed}: {exc!r}", file=sys.stderr)
                return 1
            turns[target.__name__] += 1
        seed += 1
    print("ok:", ", ".join(f"{name} {count}" for name, count in turns.items()), f"from seed {arguments.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
