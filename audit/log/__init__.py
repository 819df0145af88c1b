"""One ordered, signed log per gateway, made from all spools, and its way into ClickHouse.

Words: a *leaf* is an event's body in the tree of RFC 6962; a *tile* holds 256 hashes and a *bundle* 256 bodies (C2SP
tlog-tiles); a *checkpoint* is a signed tree head (C2SP tlog-checkpoint); a *position* is how far into a writer's
sequence the log has come.

The life of an event here: sequenced (its place in the log is durable) → published (in tiles, under a checkpoint) →
shipped (read back from ClickHouse and found equal) → acknowledged (its writer may trim it). `sequence.py` does the
first two and never waits for ClickHouse; `send.py` does the rest.

This room must never write to a spool that is not its own, sign two trees of one size, or acknowledge what it did not
read back.
"""
