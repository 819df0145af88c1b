"""Whether what serves is what was published last."""

from prometheus_client import Counter, Gauge

PUBLISHED = Gauge("exeat_snapshot_published_timestamp_seconds", "When the snapshot that decides was published.")
REFUSED = Gauge("exeat_snapshot_refused", "1 while the newest revision of the repository is refused.")
REPLACED = Counter("exeat_engine_workers_replaced", "Workers of the embedded engine that died or overran.")
