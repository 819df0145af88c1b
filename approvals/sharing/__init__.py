"""Approvals that several gateways share in PostgreSQL: the same facts, in one order that all of them follow.

`store.py`    the like of `approvals/store.py`: rounds under one lock, what others did, what is local
`opening.py`  how a process of it begins
`tables.py`   every statement on the shared tables
`notes.py`    what a gateway notes of them in its own file
`folded.py`   from its rows to what they make
`moving.py`   from a gateway's own file into the shared tables, once

Each approvals process keeps its own book in memory, as if it were alone. A round of steps begins by locking `house` and
reading what others have added to the log since; so the pure state machine decides on what is true now, and its facts
take the next positions. Two consumes of one grant, two last approvers, an expiry in two processes: the second round
reads the first one's fact. The log is also the outbox: whoever makes a fact records its event in its own spool; what a
process could not record before it died, it records when it begins anew.

A version of Exeat that makes facts which older ones do not know brings a migration with them, however empty: older ones
then do not start, and those that run end with one sentence at the first such fact.
"""
