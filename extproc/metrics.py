"""What only extproc can count: streams that are open, that wait for a person, that end badly."""

from prometheus_client import Counter, Gauge

OPEN = Gauge("exeat_streams_open", "Exchanges in progress.")
WAITING = Gauge("exeat_holds_waiting", "Exchanges that wait for a person.")
ABORTED = Counter("exeat_streams_aborted", "Streams that extproc ended with an error, by code.", ["code"])
