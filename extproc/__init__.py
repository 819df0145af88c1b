"""What flows: holds what a person must approve, masks what must not be seen, records what happened.

One Envoy stream is one exchange (or one local reply of Envoy's own). Inside:

`stream.py`   the state machine, a table: events in, commands out; no awaits, no clock, no protobuf
`respond.py`  a response on its way to the caller; `flow.py` keeps the law that nothing leaves before it is durable
`headers.py`, `record.py`, `rules.py`  what is changed in headers, what is said to the evidence, what masks
`meter.py`, `skim.py`, `spent.py`, `leases.py`  what the answer weighed, and the counters
`wire.py`     the only file that touches Envoy's protobuf
`pump.py`, `hold.py`, `service.py`     the shells: they read, wait, write and keep time

What it must never do: end a gRPC stream cleanly before Envoy does (Envoy would let the rest through unprocessed), let
a byte go before it is masked and durable, or name content in a log, an event or an error.
"""
