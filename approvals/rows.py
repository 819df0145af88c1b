"""Facts as they are stored: one JSON document each, in SQLite as in PostgreSQL. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from approvals.authenticators import Enrolment
from approvals.evidence import Change, Notice
from approvals.facts import Fact, Requested, Returned
from approvals.revocations import RevocationFact
from approvals.standing import Fact as StandingFact
from approvals.standings import Stand

FACT: TypeAdapter[Fact] = TypeAdapter(Annotated[Fact, Field(discriminator="type")])
STANDING: TypeAdapter[StandingFact] = TypeAdapter(Annotated[StandingFact, Field(discriminator="type")])
REVOCATION: TypeAdapter[RevocationFact] = TypeAdapter(Annotated[RevocationFact, Field(discriminator="type")])
ENROLMENT: TypeAdapter[Enrolment] = TypeAdapter(Enrolment)
ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "approval": FACT,
    "revocation": REVOCATION,
    "standing": STANDING,
    "authenticator": ENROLMENT,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact, what it is one of (a key of ADAPTERS), whose fact it is, and which gateway made it."""

    gateway: str
    kind: str
    id: str
    fact: Any  # of the kind's own type

    @property
    def exchange(self) -> str:
        """Who came to wait with it; empty: nobody."""
        if isinstance(self.fact, Requested):
            return self.fact.card.binding.exchange
        return self.fact.exchange if isinstance(self.fact, Returned) else ""


def entries(
    gateway: str,
    changes: Iterable[Change],
    notices: Iterable[Notice],
    stands: Iterable[Stand],
    enrolments: Iterable[Enrolment] = (),
) -> Iterator[Entry]:
    """In the order in which their events are recorded."""
    for notice in notices:
        yield Entry(gateway, "revocation", notice.after.id, notice.fact)
    for enrolment in enrolments:
        yield Entry(gateway, "authenticator", enrolment.after.id, enrolment)
    for stand in stands:
        yield Entry(gateway, "standing", stand.after.id, stand.fact)
    for change in changes:
        yield Entry(gateway, "approval", change.after.id, change.fact)


def body(entry: Entry) -> bytes:
    return ADAPTERS[entry.kind].dump_json(entry.fact)


def grouped(rows: Iterable[Sequence[Any]]) -> dict[str, list[bytes]]:
    """Rows (id, body), by id, in their order."""
    found: dict[str, list[bytes]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(bytes(row[1]))
    return found
