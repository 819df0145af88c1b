"""Who used how much: counters that policies see, in one SQLite file that authz and extproc share, or in a PostgreSQL.

`amounts.py`, `windows.py`, `scopes.py`   what is counted, over which time, for whom; values without I/O
`ledger.py`    what a reservation, a charge and an expiry change; pure
`book.py`, `tables.py`   the file: transactions and statements; `shared.py` the same for several gateways
`counters.py`  the shell: one thread that writes, callers that await it; `memory.py` the fake
`definitions.py`   another file, another matter: what MCP servers said their tools are

Why the numbers are exact. Rego decides between the read and the reservation, so neither order of the two alone is
right: read first, and fifty requests at once all see the same room; lock while Rego thinks, and one slow policy stops
the house. So authz reserves first, in the same transaction that reads. Transactions are one after the other, so each
request has a place in line, and the numbers it gets are: what was used, what those before it have reserved, and its own
reservation. A rule says `tokens > N` and needs no arithmetic of its own. Of requests at a threshold the first ones fit
and the others do not, however many come at once and in however many processes.

A request before us in line may yet be denied for a reason of its own; then we have seen too much, never too little.
A request that was not simply allowed is therefore decided again when those before it (of the same process) are
decided and the numbers have fallen by it: the outcome is as if they had been asked one after the other. This rests on
policies in which more usage never allows more. With more than one authz process the second look covers one's own.

Deny gives the reservation back; so does a refused or expired approval, and a caller who leaves before anything
left. What left is settled by extproc at its end with what it really used, however it ended. A reservation is a lease:
extproc renews it for as long as the exchange is open. When nobody renews it, its process died. If nothing had left it
is simply given back; if the request had left, what left is charged (one request, its bytes, its estimated tokens), as
`exchange.lost` says in the evidence: what came back is not known. An end that comes after all is charged for what
it is more; the same end said twice counts once, for what ended is remembered for five minutes without its names.

What this room must never do: answer with numbers that were not read in the transaction of the reservation, hold a
value or a name of a person (keys are digests, values are keyed tokens; the names of an exchange stand in its
reservation alone, until it ends), or let a request go on when the file cannot be written.
"""

from usage.amounts import Amounts
from usage.counters import Counters, Counting, open_counters
from usage.errors import UsageDown
from usage.ledger import Numbers, Reservation
from usage.memory import Uncounted
from usage.scopes import Who

__all__ = ["Amounts", "Counters", "Counting", "Numbers", "Reservation", "Uncounted", "UsageDown", "Who",
           "open_counters"]  # fmt: skip
