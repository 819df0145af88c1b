"""What masking costs, as ratios in one run.    python -m bench.masking [--json]

CPU time of this thread, best of three, small runs; the machine decides the figures, the ratios travel. Each line names
the path that the bytes take. Presidio is measured where `make bench-peers` has installed it (`presidio_peer.py`).
"""

import argparse
import json
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from masking import Keys, Ruleset
from masking.finding import Findings
from masking.scan import Scanner
from masking.text import TextStream, mask_text

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / ".venv-peers" / "bin" / "python"
MB = 1e6
RULES = """
profiles:
  all: [{detect: [pci, pii, financial, secrets, network]}]
  all, e-mail partial: [{detect: [pci, pii, financial, secrets, network], stream: partial}]
  all but e-mail: [{detect: [pci, pii, financial, secrets, network], except: email}]
  financial: [{detect: [pci, financial]}]
  secrets: [{detect: secrets}]
"""
KEYS = Keys(b"t" * 32, b"r" * 64)
PROSE = (
    "The bridge had been closed since March, and nobody in the village could say when it would open again. People "
    "took the long way round, past the mill and the two farms, and arrived late for everything. Anna, who had lived "
    "there for forty years, did not mind: she said that a walk settles the mind better than tea. In the evening the "
    "council met above the bakery. There were eleven of them, counting the clerk, and each had brought a different "
    "plan. Some wanted a ferry; others asked why the old ford, which their grandparents had used with carts and "
    "cattle, should not do for bicycles. The clerk wrote it all down, as clerks will, in a neat hand and without "
    "expression. By ten o'clock they had agreed on one thing only, namely to meet again. Outside it had begun to "
    "rain. You could hear the river from the square, louder than last week, and somebody laughed and said that soon "
    "there would be no road left to argue about. "
)


@dataclass(frozen=True)
class Line:
    what: str
    path: str
    value: float
    unit: str


def best(run: Callable[[], object], turns: int = 3) -> float:
    """Seconds of CPU of the fastest of some runs."""
    taken = []
    for _ in range(turns):
        start = time.thread_time()
        run()
        taken.append(time.thread_time() - start)
    return min(taken)


def bank_json(size: int, hits: float, chance: random.Random) -> bytes:
    """Bookings of a bank, about `size` bytes; `hits` of them name the other side: a share of 1 makes five hits a KB."""
    words = PROSE.replace(",", "").replace(".", "").split()
    records: list[dict[str, object]] = []
    length = 0
    while length < size:
        record: dict[str, object] = {
            "id": f"b-{len(records):06d}",
            "booked": f"2024-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
            "amount": {"value": round(chance.random() * 5000, 2), "currency": "EUR"},
            "memo": " ".join(chance.choices(words, k=9)),
            "tags": chance.choices(words, k=2),
        }
        if hits and (hits == 1 or chance.random() < hits):
            record["counterparty"] = a_secret(chance)
        records.append(record)
        length += len(json.dumps(record)) + 2
    return json.dumps(records).encode()


def a_secret(chance: random.Random) -> str:
    return chance.choice(
        [
            "4111 1111 1111 1111",
            f"{chance.randint(100, 665)}-{chance.randint(10, 99)}-{chance.randint(1000, 9999)}",
            f"{chance.choice(['anna', 'ben', 'cleo'])}.{chance.randint(1, 999)}@example.com",
            "GB82 WEST 1234 5698 7654 32",
            f"+1 415-555-{chance.randint(1000, 9999)}",
        ]
    )


def events(texts: Sequence[str]) -> list[bytes]:
    """Anthropic text deltas, one event each."""
    return [
        b"event: content_block_delta\ndata: "
        + json.dumps(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
            separators=(",", ":"),
        ).encode()
        + b"\n\n"
        for text in texts
    ]


OPENING = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
    b'"content":[],"model":"m","usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
    b'"text":""}}\n\n'
)


def bodies(rules: Ruleset, chance: random.Random) -> list[Line]:
    masker = rules.masker(["all"], keys=KEYS)
    clean, hits = bank_json(1 << 20, 0, chance), bank_json(1 << 20, 1, chance)
    count = sum(found.count for found in masker.body("application/json", hits).findings)
    density = count / (len(hits) / 1000)
    small = hits[: 64 << 10]
    lines = []
    for what, data in (("clean", clean), (f"{density:.1f} hits/KB", hits), ("64 KiB of the same", small)):
        taken = best(lambda data=data: masker.body("application/json", data))  # type: ignore[misc]
        lines.append(Line(f"JSON body, {what}", "Masker.body → JsonStream", len(data) / taken / MB, "MB/s"))
        taken = best(lambda data=data: mask_text(scanner(rules), "$", Findings(), data, closed=True))  # type: ignore[misc]
        lines.append(Line(f"the same as plain text, {what}", "mask_text", len(data) / taken / MB, "MB/s"))
    return lines


def scanner(rules: Ruleset, profile: str = "all") -> Scanner:
    return rules.scanner([profile], keys=KEYS)


def streams(rules: Ruleset, chance: random.Random) -> list[Line]:
    texts = [PROSE[at : at + 4] for at in range(0, len(PROSE) - 4, 4)] * 4
    lines = []
    for what, parts in (("clean", texts), ("with a hit", [f" {a_secret(chance)} " for _ in range(400)])):
        raw = events(parts)
        stream = rules.masker(["all"], keys=KEYS).stream("text/event-stream")
        stream.feed(OPENING)
        for event in raw[:200]:
            stream.feed(event)
        taken = best(lambda stream=stream, raw=raw: [stream.feed(event) for event in raw], 2)  # type: ignore[misc]
        lines.append(Line(f"SSE event, {what}", "Masker.stream → SseStream → Anthropic", taken / len(raw) * 1e6, "µs"))
    core = TextStream(scanner(rules), "$", Findings())
    taken = best(lambda: [core.feed(text.encode()) for text in texts], 2)
    return [*lines, Line("text delta, clean", "TextStream.feed", taken / len(texts) * 1e6, "µs")]


def held(rules: Ruleset) -> list[Line]:
    """Characters that a reader of English prose waits for, in pieces of four, per profile."""
    text = (PROSE * 4).encode()
    lines = []
    for profile in sorted(rules.profiles):
        stream = TextStream(scanner(rules, profile), "$", Findings())
        counts = []
        for at in range(0, len(text), 4):
            stream.feed(text[at : at + 4])
            counts.append(stream.held)
        counts.sort()
        mean, p99, most = sum(counts) / len(counts), counts[len(counts) * 99 // 100], counts[-1]
        lines.append(Line(f"held on prose, {profile}", f"TextStream; p99 {p99}, most {most}", mean, "characters"))
    return lines


# What costs most per byte: candidates without end that validation turns down, matches without end, deep nesting.
WORST = {
    "IBAN beginnings": b"AB12 " * 13107,
    "single digits": b"4 4 4 " * 10922,
    "addresses": b"1:1:1:" * 10922,
    "spaced numbers": b"4111 1111 1111 1112 " * 3276,
    "dates, CSV": b"2024-01-31,2024-02-28," * 2978,
    "UUIDs": b"3f2504e0-4f89-11d3-9a0c-0305e82c3301\n" * 1771,
    "half addresses": b"a@a@" * 16384,
    "context words": b"account number: " * 4096,
    "JSON, deep": b'{"a":[' * 10922,
    "JSON, escapes": b'{"a":"' + rb"\u0034\n" * 8192 + b'"}',
}


def worst(rules: Ruleset) -> list[Line]:
    """64 KiB of each, and what a byte costs in four times as much: linear is 1.0."""
    masker = rules.masker(["all"], keys=KEYS)
    lines = []
    for what, data in WORST.items():
        media = "application/json" if what.startswith("JSON") else "text/plain"
        small = best(lambda: masker.body(media, data), 2)  # noqa: B023
        large = best(lambda: masker.body(media, data * 4), 1)  # noqa: B023
        path = f"Masker.body; a byte of 256 KiB costs {large / small / 4:.2f} times as much"
        lines.append(Line(f"worst, {what}", path, len(data) / small / MB, "MB/s"))
    return lines


def presidio(rules: Ruleset, chance: random.Random) -> list[Line]:
    """Its recognisers on 64 KB of the same JSON, without language models; they look, we also replace."""
    if not PEER.exists():
        return []
    shares = {"clean": 0, "0.5 hits/KB": 0.1, "dense": 1}
    data = {what: bank_json(64 << 10, share, chance) for what, share in shares.items()}
    texts = json.dumps({what: each.decode() for what, each in data.items()})
    script = ROOT / "bench" / "presidio_peer.py"
    theirs = json.loads(subprocess.run([PEER, script], input=texts.encode(), capture_output=True, check=True).stdout)
    masker = rules.masker(["all"], keys=KEYS)
    lines = []
    for what, each in data.items():
        ours = best(lambda: masker.body("application/json", each))  # noqa: B023
        for name, found in theirs["sets"].items():
            path = f"Masker.body; its {found['count']} ({name}) take {found['seconds'][what] * 1e3:.0f} ms"
            title = f"64 KB {what} JSON, Presidio {theirs['version']}"
            lines.append(Line(title, path, found["seconds"][what] / ours, "times"))
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="what masking costs")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    arguments = parser.parse_args()
    chance, rules = random.Random(7), Ruleset.parse(RULES, "bench")
    lines = [*bodies(rules, chance), *streams(rules, chance), *held(rules), *worst(rules), *presidio(rules, chance)]
    if arguments.json:
        print(json.dumps({"python": platform.python_version(), "lines": [asdict(line) for line in lines]}))
        return 0
    for line in lines:
        print(f"{line.what:46} {line.value:9.2f} {line.unit:11} {line.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
