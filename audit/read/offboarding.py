"""What the record says of somebody who left: last token, last request, what was denied since, and that nothing was
let through.

`gather` asks and returns plain values; `Offboarding` judges them. A held request counts as let through, whatever became
of it: who was revoked is refused before anything is held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.read.instants import as_sql
from audit.read.questions import named
from audit.read.reader import Reader

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Offboarding:
    """Rows of the questions, in their columns. `left_us`: unix microseconds."""

    person: str
    left_us: int
    accounts: Rows
    tokens: Rows
    revocations: Rows
    since: Rows  # every decision since
    went_on: Rows  # exchanges that ended after they had left, or never
    as_person: Rows

    @property
    def denied(self) -> Rows:
        return [row for row in self.since if row["effect"] in ("deny", "refused")]

    @property
    def let_through(self) -> Rows:
        return [row for row in self.since if row["effect"] not in ("deny", "refused")]

    @property
    def clean(self) -> bool:
        """Nothing was let through, came back or was done in their name since. Judged by counts, which end at no row."""
        counted = sum(row["let_through_since"] for row in self.accounts)
        return not (counted or self.let_through or self.went_on or self.as_person)

    @property
    def complete(self) -> bool:
        """False when there may be more decisions since than are listed."""
        return len(self.since) != named("after-person-left").most

    def as_dict(self) -> dict[str, Any]:
        return {
            "person": self.person,
            "left": as_sql(self.left_us),
            "clean": self.clean,
            "complete": self.complete,
            "accounts": self.accounts,
            "last_tokens": self.tokens,
            "revocations": self.revocations,
            "denied_since": self.denied,
            "let_through_since": self.let_through,
            "went_on": self.went_on,
            "as_person_since": self.as_person,
        }


def revoked_us(reader: Reader, person: str, now_us: int) -> int | None:
    """When the first revocation named them; None if none did."""
    rows = reader.ask(named("revocations-of").bind({"person": person}, now_us))
    return int(rows[0]["ts"].timestamp() * 1_000_000) if rows else None


def gather(reader: Reader, person: str, left_us: int, now_us: int) -> Offboarding:
    """Raises QueryRefused, StoreSilent."""
    given = {"person": person, "left": as_sql(left_us).replace(" ", "T")}

    def ask(name: str) -> Rows:
        names = {parameter.name for parameter in named(name).parameters}
        return reader.ask(named(name).bind({key: given[key] for key in names}, now_us))

    return Offboarding(
        person, left_us, ask("offboarded"), ask("last-tokens"), ask("revocations-of"), ask("after-person-left"),
        ask("open-when-left"), ask("people-since"),
    )  # fmt: skip
