"""The evidence at rest: ClickHouse's schema, one place that makes its clients, and the embedded store.

Words: *migration* (a numbered SQL file, applied once, never edited), *account* (who may ask: writer, auditor,
migrator, pruner), *duty* (what the engine's own user may do right now), *gate* (what a reader's SQL must pass).

The embedded store is chDB behind ClickHouse's HTTP interface, so that production changes nothing but a URL. Only
`engine.py` may import chDB: it costs 300 MB of memory and its handles do not survive a fork.
Nothing here knows what an event means, except the SQL under `schema/`.
"""
