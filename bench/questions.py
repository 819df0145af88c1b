"""Each named question on a large table, and how its time grows: `python -m bench.questions [exchanges]`.

Every exchange is a decision, a masking and an end, in the embedded store; a quarter of them is asked first, then all.
Times are medians of three, in milliseconds, through clickhouse-connect as the auditor.
"""

import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.read.questions import known
from audit.store.client import auditor_client, writer_client
from tests.kit import store as store_kit
from tests.kit.evidence import EVENT_COLUMNS, SNAPSHOT, START_US, decision

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

BATCH, SPREAD_US, AGENTS = 10_000, 20_000_000, 200  # exchanges per insert; time between two; agents
GIVEN = {"agent": "agent-7", "person": "agent-7", "id": "session-7", "left": "2026-11-21", "tokens": "tok_1,tok_2"}
SPAN = {"since": "2026-01-01", "until": "2030-01-01"}
EFFECTS = ("allow",) * 8 + ("deny", "hold")
FOUND = [{"rule": "iban", "operator": "mask", "where": "text", "count": 2, "token": "tok_1"}]
END = {"status": 200, "request_bytes": 10, "response_bytes": 20, "duration_us": 9_400_000, "outcome": "answered"}


def rows(number: int) -> list[list[Any]]:
    """The three events of one exchange."""
    agent, effect = f"agent-{number % AGENTS}", EFFECTS[number % len(EFFECTS)]
    at, exchange = START_US + number * SPREAD_US, f"{number:036x}"
    made = decision(effect, 200, f"rule_{number % 30}", "words")
    events = [("decision", f"decision.{effect}", made), ("masking", "masking.applied", {"findings": FOUND}),
              ("exchange", "exchange.end", END)]  # fmt: skip
    found = []
    for place, (kind, type_, data) in enumerate(events):
        index = number * 3 + place
        body = json.dumps({"data": data, "kind": kind, "seq": index + 1, "type": type_}, separators=(",", ":"))
        caller = ["https://idp.example", agent, agent]
        who = [exchange, f"session-{number % 5000}", "ledger", *caller, effect if place == 0 else ""]
        found.append([index, "authz.0011aabb", index + 1, 1, uuid.UUID(int=index), at + place, kind, type_, "exeat",
                      *who, SNAPSHOT if place == 0 else "", body, bytes(32), bytes(32)])  # fmt: skip
    return found


def fill(store: store_kit.RunningStore, first: int, last: int) -> None:
    with writer_client(store.settings) as client:
        for start in range(first, last, BATCH):
            batch = [row for number in range(start, min(start + BATCH, last)) for row in rows(number)]
            client.insert("events", batch, column_names=EVENT_COLUMNS)


def ask(client: "Client") -> dict[str, tuple[float, int]]:
    """Milliseconds and rows of the answer, by question."""
    found = {}
    for question in known().values():
        names = {parameter.name for parameter in question.parameters}
        asked = question.bind({key: text for key, text in {**GIVEN, **SPAN}.items() if key in names}, START_US)
        times: list[float] = []
        for _ in range(3):
            start = time.perf_counter()
            size = len(client.query(asked.sql, parameters=dict(asked.parameters)).result_rows)
            times.append((time.perf_counter() - start) * 1000)
        found[question.name] = (statistics.median(times), size)
    return found


def table(small: dict[str, tuple[float, int]], large: dict[str, tuple[float, int]]) -> Sequence[str]:
    lines = ["| question | ms, a quarter | ms, all | growth | rows |", "|---|---|---|---|---|"]
    for name, (after, size) in sorted(large.items(), key=lambda item: -item[1][0]):
        before = small[name][0]
        lines.append(f"| `{name}` | {before:.0f} | {after:.0f} | {after / before:.1f} | {size} |")
    return lines


def main(exchanges: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, store_kit.running(Path(folder)) as store:
        with auditor_client(store.settings) as client:
            fill(store, 0, exchanges // 4)
            small = ask(client)
            fill(store, exchanges // 4, exchanges)
            large = ask(client)
        print(f"{exchanges * 3} events of {exchanges} exchanges; load {os.getloadavg()[0]:.1f}\n")
        print("\n".join(table(small, large)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
