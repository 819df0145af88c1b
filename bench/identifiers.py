"""How often identifiers that are no secrets are masked.    python -m bench.identifiers [--count 1000000] [--json]

Random identifiers of each kind, seeded, go through masking as values of JSON fields, as values of fields whose names
announce something else (`account_id`), and as lines of one text; with the floor and with all detectors. Counted are
those that come out otherwise than they went in, by the placeholder that they got.
"""

import argparse
import json
import random
import re
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from masking import Keys, Masker, Ruleset

KEYS = Keys(b"t" * 32, b"r" * 64)
FLOOR = Path(__file__).resolve().parent.parent / "policies" / "data" / "masking.yaml"
ALL = "profiles: {all: [{detect: [pci, pii, financial, secrets, network, assigned, securities, coins]}]}"
SEED = 20240131
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BATCH = 2000
# Between 2023 and 2026, in nanoseconds since 1970.
_FROM, _TO = 1_672_531_200 * 10**9, 1_767_225_600 * 10**9


def uuid4(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def uuid7(chance: random.Random) -> str:
    """RFC 9562 section 5.7: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits."""
    millis = chance.randrange(_FROM, _TO) // 10**6
    value = millis << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)
    return str(uuid.UUID(int=value))


def digest(size: int) -> Callable[[random.Random], str]:
    return lambda chance: f"{chance.getrandbits(size * 4):0{size}x}"


def object_id(chance: random.Random) -> str:
    """MongoDB's: four bytes of seconds, eight that are as good as random."""
    return f"{chance.randrange(_FROM, _TO) // 10**9:08x}{chance.getrandbits(64):016x}"


def ulid(chance: random.Random) -> str:
    value = chance.randrange(_FROM, _TO) // 10**6 << 80 | chance.getrandbits(80)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def iso_time(chance: random.Random) -> str:
    day = f"{chance.randint(2020, 2030)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    clock = f"{chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}:{chance.randint(0, 59):02d}"
    return f"{day}{chance.choice('T ')}{clock}.{chance.randrange(10**6):06d}{chance.choice(['Z', '+02:00', ''])}"


def unix_nanos(chance: random.Random) -> str:
    return str(chance.randrange(_FROM, _TO) // chance.choice((1, 10**3, 10**6, 10**9)))


def etag(chance: random.Random) -> str:
    return f'W/"{chance.getrandbits(64):x}-{chance.getrandbits(40):x}"'


KINDS: dict[str, Callable[[random.Random], str]] = {
    "UUID, version 4": uuid4,
    "UUID, version 7": uuid7,
    "UUID behind a name": lambda chance: f"{chance.choice(('probe-', 'req_', 'urn:uuid:', 'id', 'x'))}{uuid4(chance)}",
    "UUID, upper case": lambda chance: uuid4(chance).upper(),
    "SHA-256, 64 hex digits": digest(64),
    "git commit, 40": digest(40),
    "trace id or MD5, 32": digest(32),
    "MongoDB object id, 24": object_id,
    "span id, 16": digest(16),
    "short git commit, 8": digest(8),
    "traceparent": lambda chance: f"00-{digest(32)(chance)}-{digest(16)(chance)}-01",
    "ULID": ulid,
    "time, ISO 8601": iso_time,
    "Unix time, s to ns": unix_nanos,
    "etag": etag,
}


def some(kind: str, count: int, seed: int = SEED) -> list[str]:
    """Always the same ones."""
    chance = random.Random(f"{kind} {seed}")
    return [KINDS[kind](chance) for _ in range(count)]


# Names of fields that contexts of detectors know, as fields of identifiers are called.
FIELDS = (
    *("account_id", "accountId", "from_account", "iban_id", "customer_phone_id", "passport_id", "routing_id"),
    *("license_number_id", "tax_id", "birth_date_id", "swift_id", "ssn_ref_id", "sort_code_id"),
)


def values(identifiers: Sequence[str]) -> list[str]:
    return [json.dumps({"id": each}) for each in identifiers]


def fields(identifiers: Sequence[str]) -> list[str]:
    return [json.dumps({FIELDS[at % len(FIELDS)]: each}) for at, each in enumerate(identifiers)]


def lines(identifiers: Sequence[str]) -> list[str]:
    return [f"{each} ok" for each in identifiers]


FORMS = {"values": values, "fields": fields, "lines": lines}


def touched(masker: Masker, identifiers: Sequence[str], form: str) -> list[tuple[str, str]]:
    """(as it was, as it came out) of those that were changed."""
    whole = FORMS[form](identifiers)
    media = "text/plain" if form == "lines" else "application/x-ndjson"
    out = masker.body(media, "\n".join(whole).encode()).data.decode().split("\n")
    assert len(out) == len(whole)
    return [(was, now) for was, now in zip(whole, out, strict=True) if was != now]


def measure(masker: Masker, kind: str, count: int, form: str) -> Counter[str]:
    """How many were touched by which detector."""
    chance = random.Random(f"{kind} {SEED}")
    found: Counter[str] = Counter()
    for begin in range(0, count, _BATCH):
        batch = [KINDS[kind](chance) for _ in range(min(_BATCH, count - begin))]
        for _, now in touched(masker, batch, form):
            found.update(set(re.findall(r"\[([A-Z0-9_]+)\]", now)))
    return found


@cache
def maskers() -> dict[str, Masker]:
    floor, everything = Ruleset.parse(FLOOR.read_text(), "floor"), Ruleset.parse(ALL, "all")
    return {"floor": floor.masker(["floor"], keys=KEYS), "all": everything.masker(["all"], keys=KEYS)}


def main() -> int:
    parser = argparse.ArgumentParser(description="how often identifiers are taken for secrets")
    parser.add_argument("--count", type=int, default=1_000_000, help="of each kind")
    parser.add_argument("--form", action="append", choices=list(FORMS), help="only these")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="only these")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    arguments = parser.parse_args()
    found = []
    for kind in arguments.kind or KINDS:
        for profile, masker in maskers().items():
            for form in arguments.form or FORMS:
                hits = measure(masker, kind, arguments.count, form)
                entry = {"kind": kind, "profile": profile, "as": form, "hits": dict(hits)}
                found.append(entry)
                if not arguments.json:
                    told = ", ".join(f"{name.lower()} {hit}" for name, hit in hits.most_common()) or "none"
                    print(f"{kind:24} {profile:6} {entry['as']:7} of {arguments.count:,}: {told}", flush=True)
    if arguments.json:
        print(json.dumps({"count": arguments.count, "seed": SEED, "found": found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
