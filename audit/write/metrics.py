"""What is counted where events become durable: the figures of operations are figures of the record.

exeat_events_total{type, code}   decisions, refusals, maskings, holds and ends alike
exeat_commit_seconds             one group commit, its fsync included
exeat_spool_*                    bytes, calls that wait, whether it is closed
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from audit.write.event import Draft
from runtime.metrics import SECONDS, Measured

EVENTS = Counter("exeat_events", "Events made durable, with the code or outcome that they name.", ["type", "code"])
COMMIT = Histogram("exeat_commit_seconds", "One group commit of the spool, its fsync included.", buckets=SECONDS)


@dataclass(frozen=True, slots=True)
class Status:
    """Of a spool."""

    used_bytes: int
    max_bytes: int
    waiting: int  # calls of record() not yet durable
    down: bool


def count(drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        code = draft.data.get("code") or draft.data.get("outcome") or ""
        many = draft.data.get("count")
        # refusals of strangers are summed up in one event
        summed = many if draft.type == "decision.refused" and type(many) is int else 1
        EVENTS.labels(draft.type, code if isinstance(code, str) else "").inc(summed)


def spool(status: Callable[[], Status]) -> Measured:
    def measure() -> Iterable[Metric]:
        now = status()
        yield GaugeMetricFamily("exeat_spool_used_bytes", "What the spool holds.", now.used_bytes)
        yield GaugeMetricFamily("exeat_spool_max_bytes", "What it may hold; when full: closed.", now.max_bytes)
        yield GaugeMetricFamily("exeat_spool_waiting", "Calls whose events are not durable yet.", now.waiting)
        yield GaugeMetricFamily("exeat_spool_down", "1 while the spool is closed after a failed write.", int(now.down))

    return Measured(measure)
