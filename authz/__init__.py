"""May they? The service that Envoy asks before anything leaves: one line of verbs, one decision, one record.

    read ─ identify ─ describe ─ decide ─ record ─ answer          (service.py)

`wire.py`         the only file that touches Envoy's protobuf
`request.py`      where it goes: one path string, read once, for the route, for Rego and for the upstream
`credentials.py`  the caller's token, wherever clients put it
`headers.py`, `query.py`, `body.py`   the rest of the request, each with one reading or none
`action.py`       what is asked for, in words that policies use (`llm.py`, `sql.py`)
`describe.py`     all of it masked and put together; `session.py`: which exchanges belong together
`decide.py`       the input: what Rego sees, what is hashed, what is kept, byte for byte the same
`strangers.py`, `turned_away.py`  floods of those without a valid token: bounded here, counted where Envoy bounds them
`peer.py`         the client's certificate, where there is one
`reserve.py`, `rows.py`   what it may take, and its place in line; `losses.py`: what nobody settled
`revoked.py`      who was stopped by somebody of the house
`record.py`       the evidence; `refusals.py`: of strangers, as sums

What it must never do: answer "yes" before the decision is durable, decide on something else than what is forwarded,
show Rego or the record anything unmasked, or put the text of a foreign exception into an answer.
"""
