"""From rows of the shared log to what they make. Pure."""

from collections.abc import Iterable

from approvals.authenticators import Authenticator
from approvals.machine import Approval
from approvals.machine import fold as folded
from approvals.revocations import Revocation
from approvals.revocations import fold as revoked
from approvals.sharing import tables
from approvals.standing import Standing
from approvals.standing import fold as stood

Rows = Iterable[tables.Row]


def approvals(rows: Rows) -> list[Approval]:
    return [folded(facts) for facts in tables.grouped("approval", rows).values()]


def revocations(rows: Rows) -> list[Revocation]:
    return [revoked(facts) for facts in tables.grouped("revocation", rows).values()]


def standings(rows: Rows) -> list[Standing]:
    return [stood(facts) for facts in tables.grouped("standing", rows).values()]


def authenticators(rows: Rows) -> list[Authenticator]:
    return [facts[-1].after for facts in tables.grouped("authenticator", rows).values()]
