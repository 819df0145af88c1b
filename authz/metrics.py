"""What only authz can count: how long checks and decisions take, and refusals that are recorded as sums."""

from prometheus_client import Counter, Histogram

from runtime.metrics import SECONDS

CHECK = Histogram("exeat_check_seconds", "From Envoy's question to the answer, the commit included.", buckets=SECONDS)
ENGINE = Histogram("exeat_engine_seconds", "The engine's part of it.", buckets=SECONDS)
REFUSED = Counter("exeat_refused", "Requests that never reached Rego, by code; strangers included.", ["code"])
