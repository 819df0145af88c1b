"""When the people who said yes are enough. Pure.

Terms are seats: `quorum` seats for members of any group in `any`, and one seat for each group in `all`; without `any`,
a quorum above the number of groups in `all` adds seats for members of any of them. A person takes one seat only, also
when two groups know them: four eyes are two people.
"""

from collections.abc import Sequence

from approvals.facts import Voter
from snapshot.decision import ApprovalTerms


def satisfied(voters: Sequence[Voter], terms: ApprovalTerms) -> bool:
    """Whether these distinct people can fill every seat, each taking one."""
    taken: dict[int, int] = {}  # voter → seat
    seats = _seats(terms)
    return bool(seats) and all(_seat(place, seats, voters, taken, set()) for place in range(len(seats)))


def missing(voters: Sequence[Voter], terms: ApprovalTerms) -> int:
    """How many more people are needed, at least."""
    taken: dict[int, int] = {}
    seats = _seats(terms)
    return sum(not _seat(place, seats, voters, taken, set()) for place in range(len(seats)))


def _seats(terms: ApprovalTerms) -> list[frozenset[str]]:
    one_each = [frozenset([group]) for group in terms.all]
    if terms.any:
        return one_each + [frozenset(terms.any)] * terms.quorum
    return one_each + [frozenset(terms.all)] * (terms.quorum - len(terms.all))


def _seat(
    place: int, seats: Sequence[frozenset[str]], voters: Sequence[Voter], taken: dict[int, int], tried: set[int]
) -> bool:
    """Finds someone for a seat, moving others to another seat of theirs where that helps (Kuhn's algorithm)."""
    for index, voter in enumerate(voters):
        if index in tried or not seats[place].intersection(voter.groups):
            continue
        tried.add(index)
        if index not in taken or _seat(taken[index], seats, voters, taken, tried):
            taken[index] = place
            return True
    return False
