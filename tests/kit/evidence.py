"""A small, complete record to read from: one session with a hold that was granted, and one denial.

Rows as the shipper makes them, but without its chain: for tests of reading, not of verifying.
"""

import datetime
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EVENT_COLUMNS = [
    *("log_index", "writer", "seq", "epoch", "event_id", "ts", "kind", "type", "gateway", "exchange", "session"),
    *("connection", "issuer", "subject", "agent", "effect", "snapshot", "body", "hash", "prev"),
]
FRAME_COLUMNS = [
    *("writer", "seq", "ordinal", "exchange", "session", "direction", "idx", "at", "media", "salt", "sha256", "content")
]
START_US = int(datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC).timestamp() * 1_000_000)
SNAPSHOT = "sha256:" + "a" * 64
HELD, DENIED = "01990000-aaaa-7000-8000-000000000001", "01990000-bbbb-7000-8000-000000000002"
SESSION, SALT = "demo-ledger-agent", b"s" * 16
INPUT = b'{"exchange":{"id":"x"},"request":{"method":"POST"}}'


@dataclass
class Record:
    """`event(...)` appends; `insert(client)` writes all. `seq`: of the first event."""

    session: str = SESSION
    seq: int = 1
    events: list[list[Any]] = field(default_factory=list)
    frames: list[list[Any]] = field(default_factory=list)
    prev: bytes = bytes(32)

    def event(
        self, type_: str, exchange: str, after_us: int, data: Mapping[str, Any],
        frames: Sequence[tuple[str, int, str, bytes]] = (), *, agent: str = "ledger-agent", effect: str = "",
    ) -> None:  # fmt: skip
        """`frames`: (direction, microseconds after the start, media, content)."""
        seq, at_us, kind = self.seq + len(self.events), START_US + after_us, type_.partition(".")[0]
        caller = {"issuer": "https://idp.example", "subject": f"svc-{agent}", "agent": agent}
        event_id = uuid.UUID(int=seq)
        body = {"v": 1, "id": str(event_id), "kind": kind, "type": type_, "caller": caller, "data": data, "seq": seq}
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        digest = hashlib.sha256(text.encode()).digest()
        who = ["ledger", caller["issuer"], caller["subject"], agent]
        place = [seq - 1, "authz.0011aabb", seq, 1, event_id, at_us, kind, type_, "exeat", exchange, self.session]
        self.events.append([*place, *who, effect, SNAPSHOT if effect else "", text, digest, self.prev])
        for ordinal, (direction, at, media, content) in enumerate(frames):
            hashed = hashlib.sha256(SALT + content).digest()
            row = ["authz.0011aabb", seq, ordinal, exchange, self.session, direction, ordinal, START_US + at, media]
            self.frames.append([*row, SALT, hashed, content])
        self.prev = digest

    def insert(self, client: Any) -> None:
        client.insert("events", self.events, column_names=EVENT_COLUMNS)
        if self.frames:
            client.insert("frames", self.frames, column_names=FRAME_COLUMNS)


ASKED: dict[str, Any] = {
    "rule": "ledger_write",
    "message": "a transfer needs a yes",
    "action": "POST /ledger/transfers",
    "risk": "high",
    "tool": "",
    "hits": {},
    "target": "/transfers",
    "upstream": "ledger.example",
    "received_digest": "0" * 64,
    "forwarded_digest": "0" * 64,
    "snapshot": SNAPSHOT,
    "shown": hashlib.sha256(INPUT).hexdigest(),
    "shown_media": "application/json",
    "terms": {"any": ["ledger-approvers"], "all": [], "quorum": 1, "signature": False},
}


def decision(effect: str, status: int, rule: str, message: str) -> dict[str, Any]:
    return {
        "effect": effect,
        "status": status,
        "reasons": [{"rule": rule, "message": message, "controls": ["NIST-800-53:AC-3"]}],
        "snapshot": SNAPSHOT,
        "input_hash": hashlib.sha256(INPUT).hexdigest(),
        "request_digest": "0" * 64,
        "method": "POST",
        "path": "/transfers",
        "action_kind": "http.request",
        "model": "",
        "identity": {"email": "dave@bank.example", "groups": ["finance"], "jti": "j", "act": []},
        "masking": ["pci"],
        "findings": [{"rule": "iban", "where": "$.to", "count": 1, "token": "tok_1"}],
        "justification": "pays invoice 4711",
    }


def sse(*texts: str) -> bytes:
    events = ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}} for text in texts)
    return b"".join(b"event: content_block_delta\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)


def alone() -> Record:
    """A transfer that erin let go alone, a second use of her grant, and frank's review; one grant of two in advance."""
    record = Record(session="alone", seq=100)

    def by(name: str) -> dict[str, str]:
        return {"issuer": "https://idp.example", "subject": name, "email": f"{name}@bank.example"}

    def given(standing: str, type_: str, *names: str) -> None:
        answers = [{"approver": by(name), "justification": "payments are down"} for name in names]
        reach = {"rule": "ledger_write", "action": "POST /ledger/transfers", "approval": "ap-2", "uses": 2}
        data = {"standing": standing, "state": "active", "until_us": START_US + 60_000_000, "answers": answers}
        record.event(f"standing.{type_}", "", 2_000, reach | data)

    for number, exchange in enumerate(("first", "second")):
        held = decision("hold", 0, "ledger_write", "a transfer needs a yes")
        record.event("decision.hold", exchange, 1_000 + number * 1_000_000, held, effect="hold")
        if not number:
            given("st-1", "break_glass", "erin")
        else:
            record.event("standing.taken", exchange, 1_001_000, {"standing": "st-1", "state": "spent", "uses_left": 0})
        granted = {"approval": f"ap-{2 + number}", "state": "granted", "approver": by("erin"), "standing": "st-1"}
        record.event("approval.granted", exchange, 3_000 + number * 1_000_000, granted)
    review = {"standing": "st-1", "state": "spent", "by": by("frank"), "words": "INC-7"}
    record.event("standing.reviewed", "", 9_000_000, review)
    given("st-2", "given", "erin", "grace")
    for event in record.events:
        if event[EVENT_COLUMNS.index("type")].startswith("standing."):
            event[EVENT_COLUMNS.index("kind")] = "approval"
    return record


def story() -> Record:
    """A held transfer, granted by alice after nine seconds; its streamed answer in three frames; then a denial."""
    record = Record()
    record.event("decision.hold", HELD, 0, decision("hold", 0, "ledger_write", "a transfer needs a yes"),
                 [("input", 0, "application/json", INPUT)], effect="hold")  # fmt: skip
    request = json.dumps({"messages": [{"role": "user", "content": "transfer \x1b[31m now"}]}).encode()
    record.event("frame.recorded", HELD, 1_000, {}, [("request", 1_000, "application/json", request)])
    asked = {"approval": "ap-1", "state": "requested", "owner": "dave@bank.example", "justification": "invoice"}
    record.event("approval.requested", HELD, 2_000, ASKED | asked)
    alice = {"issuer": "https://idp.example", "subject": "alice", "email": "alice@bank.example"}
    granted = {"approval": "ap-1", "state": "granted", "approver": alice, "justification": "checked"}
    record.event("approval.granted", HELD, 9_000_000, granted | {"at_us": START_US + 9_000_000})
    used = {"approval": "ap-1", "state": "used", "at_us": START_US + 9_001_000}
    record.event("approval.used", HELD, 9_001_000, used)
    stream, cut = sse("Boo", "ked ", "as asked."), (50, 140)
    parts = [stream[: cut[0]], stream[cut[0] : cut[1]], stream[cut[1] :]]
    frames = [("response", 9_100_000 + n * 100_000, "text/event-stream", part) for n, part in enumerate(parts)]
    record.event("frame.recorded", HELD, 9_300_000, {}, frames)
    found = [{"rule": "iban", "version": "1", "operator": "mask", "where": "text", "count": 2, "token": "tok_1"}]
    record.event("masking.applied", HELD, 9_300_000, {"direction": "response", "findings": found})
    end = {"status": 200, "request_bytes": 10, "response_bytes": 20, "duration_us": 9_400_000, "outcome": "answered"}
    used = {"requests": 1, "input_tokens": 11, "output_tokens": 7, "rows": 3, "values": 1, "estimated": True}
    record.event("exchange.end", HELD, 9_400_000, end | {"usage": used})
    denied = decision("deny", 403, "no_group", "this agent has no group")
    record.event("decision.deny", DENIED, 12_000_000, denied, [("input", 12_000_000, "application/json", INPUT)],
                 agent="intern-agent", effect="deny")  # fmt: skip
    return record
