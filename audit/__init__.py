"""What happened: evidence that is durable before it takes effect, chained, signed, and asked by SQL.

write/    draft → event, hash chain, spool: what every service calls before it acts
log/      the shipper: all spools → one signed log per gateway → ClickHouse
store/    ClickHouse schema and the embedded store
read/     queries, replay, reports
verify/   recomputes everything from the outside; shares no code with the rooms above

Words: an *event* is a fact and is never changed or dropped; a *frame* is a timed, masked piece of content that an
event names by its salted hash; a *checkpoint* is a signed tree head. Events carry facts, frames carry content.

This room must never decide, mask, or store what was not masked by its caller.
"""
