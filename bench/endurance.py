"""What lasts or is large.    python -m bench.endurance [--minutes M] [--json]

large     requests of 30 MB, two at once: seconds each, and the most memory of each part
reload    2 KB requests while the policy repository changes every three seconds, beside the same without changes
soak      2 KB requests for M minutes (10): memory and handles of each part at the quarters; nothing may keep growing
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.gateway import ASKED, CHAT, MODELS, UNLIMITED, envoy, upstream
from bench.load import Run, load, request
from snapshot.envoy import envoy_binary
from tests.kit import gateway as kit
from tests.kit.faults import held
from tests.kit.gateway import POLICIES, Gateway, repeating

LARGE_BYTES = 30 << 20
CONNECTIONS = 8


def port_of(house: Gateway) -> int:
    return int(house.url.rpartition(":")[2])


def chat(house: Gateway) -> bytes:
    return request("POST", f"/openai{CHAT}", house.headers(session="bench"), json.dumps(ASKED).encode())


def figures(run: Run) -> dict[str, Any]:
    return {
        "rps": round(run.rps, 1),
        "p50_ms": round(run.quantile(0.5), 1),
        "p99_ms": round(run.quantile(0.99), 1),
        "failed": run.failed,
    }


def peak(house: Gateway, most: dict[str, int]) -> None:
    """The most memory of each part, MB, as far as it was looked at."""
    for part, now in held(house).items():
        most[part] = max(most.get(part, 0), now.rss_kb // 1000)


def large(house: Gateway) -> dict[str, Any]:
    """A JSON body of 30 MB, to a connection whose writes nobody holds here (`without_holds`)."""
    row = json.dumps({"note": "The account was opened in the spring and has been used little since then. " * 8})
    body = b'{"rows": [' + b",".join([row.encode()] * (LARGE_BYTES // (len(row) + 1))) + b"]}"
    raw = request("POST", f"/ledger{MODELS}", house.headers("ledger-agent", "bench"), body)
    before = {part: now.rss_kb // 1000 for part, now in held(house).items()}
    most: dict[str, int] = {}
    with repeating(lambda: peak(house, most), 0.05):
        run = asyncio.run(load(port_of(house), raw, 2, 20))
    return figures(run) | {"megabytes": len(body) >> 20, "rss_mb_before": before, "rss_mb_most": most}


def change(policies: Path, count: list[int]) -> None:
    """A rule file of no effect, each time another."""
    count.append(len(count))
    new = policies / "packs" / "bench.tmp"
    new.write_text(f"package packs.bench\n\nrevision := {len(count)}\n")
    new.rename(policies / "packs" / "bench.rego")


def reload(house: Gateway) -> dict[str, Any]:
    raw, count = chat(house), list[int]()
    quiet = asyncio.run(load(port_of(house), raw, CONNECTIONS, 15))
    with repeating(lambda: change(house.settings.policy.path, count), 3.0):
        during = asyncio.run(load(port_of(house), raw, CONNECTIONS, 15))
    time.sleep(5)
    digests = {str(row[0]) for row in house.sql("SELECT DISTINCT snapshot FROM audit.events WHERE kind = 'decision'")}
    return {"quiet": figures(quiet), "during": figures(during), "revisions": len(count), "decided_by": len(digests)}


def without_holds(policies: Path) -> None:
    connections = policies / "data" / "connections.yaml"
    connections.write_text(connections.read_text().replace("risk: high", "risk: standard"))


def soak(house: Gateway, minutes: float) -> list[dict[str, Any]]:
    found = []
    for quarter in range(5):
        if quarter:
            run = asyncio.run(load(port_of(house), chat(house), CONNECTIONS, minutes * 15))
            house.settled(300)
        parts = {part: {"rss_mb": now.rss_kb // 1000, "handles": now.handles} for part, now in held(house).items()}
        found.append({"minutes": quarter * minutes / 4, "parts": parts} | (figures(run) if quarter else {}))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="large requests, a reload under load, a soak")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak; 0 leaves it out")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    given = parser.parse_args()
    with contextlib.ExitStack() as open_:
        policies = Path(open_.enter_context(tempfile.TemporaryDirectory())) / "policies"
        shutil.copytree(POLICIES, policies)
        without_holds(policies)
        house = open_.enter_context(kit.running(policies, UNLIMITED, upstream=False))
        feed = house.house.ports["upstream"]
        document = upstream(feed, buffer_bytes=40 << 20)
        open_.enter_context(envoy(envoy_binary(house.settings), document, feed))
        asyncio.run(load(port_of(house), chat(house), CONNECTIONS, 3))  # caches and compiled patterns
        results: dict[str, Any] = {"reload": reload(house), "large": large(house)}
        if given.minutes:
            results["soak"] = soak(house, given.minutes)
    print(json.dumps(results, indent=None if given.json else 2))
    seen = results["reload"]["decided_by"] > 1 and results["large"]["failed"] == 0
    return 0 if seen else 1  # figures of what was refused, or never reloaded, are figures of something else


if __name__ == "__main__":
    sys.exit(main())
