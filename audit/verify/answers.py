"""What the record must hold where answers are signed: what was asked, who was needed, what was given before. Pure.

    approval.requested    terms {any, all, quorum, signature, break_glass}; all that was asked is signed, as a digest
    approval.used         {answers, standing}: on what it rests, repeated, since it may stand in another gateway's log
    standing.given|break_glass    {action, rule, uses, until_us, approval, answers}; over|revoked end it

Whether a signature holds is for `signatures`; here they count. What is not at hand is said (NotHere), never assumed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.verify.body import Event

ENDS = {"approval.used", "approval.refused", "approval.expired", "approval.withdrawn"}
ASKED = (  # of the requested event's data: what is signed of it
    "rule", "message", "action", "risk", "tool", "hits", "target", "owner", "justification", "upstream",
    "received_digest", "forwarded_digest", "snapshot", "shown", "shown_media", "terms",
)  # fmt: skip
CONNECTION, ISSUER, SUBJECT, AGENT = 8, 9, 10, 11  # places in Event.columns


class Wrong(Exception):
    """Why a signature, or what rests on it, does not hold, for the finding."""


class NotHere(Exception):
    """It rests on something that is not in this evidence."""


@dataclass(slots=True)
class Request:
    """An approval that is open. `digest`: of what was asked; `by`: the standing grant that said yes."""

    digest: str
    shown: str
    action: str
    rule: str
    terms: Mapping[str, Any]
    caller: tuple[object, ...]  # connection, issuer, subject, agent
    by: str = ""

    @property
    def signed(self) -> bool:
        return bool(self.terms.get("signature"))


@dataclass(slots=True)
class Gift:
    """A standing grant. `signed`: everybody who gave it signed it."""

    approval: str
    signed: bool
    action: str
    rule: str
    caller: tuple[object, ...]
    uses: int
    until_us: int
    taken: list[str] = field(default_factory=list)  # approvals
    ended_us: int | None = None


def request_of(event: Event) -> Request:
    """Raises KeyError, TypeError."""
    data, caller = event.data, event.columns[CONNECTION : AGENT + 1]
    who = {"issuer": caller[1], "subject": caller[2], "agent": caller[3]}
    said = {"asked": {name: data[name] for name in ASKED}, "caller": who, "connection": caller[0]}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Request(digest, str(data["shown"]), str(data["action"]), str(data["rule"]), data["terms"], caller)


def gift_of(event: Event) -> Gift:
    """Raises KeyError, ValueError, Wrong unless its bounds are the least of what its givers wished for."""
    data, answers = event.data, event.data["answers"]
    gift = Gift(
        str(data["approval"]),
        bool(answers) and all("signature" in answer for answer in answers),
        str(data["action"]),
        str(data["rule"]),
        event.columns[CONNECTION : AGENT + 1],
        int(data["uses"]),
        int(data["until_us"]),
    )
    if gift.signed:
        wishes = [answer["wish"] for answer in answers]
        least = min(int(wish["uses"]) for wish in wishes), min(int(wish["seconds"]) for wish in wishes)
        if (gift.uses, gift.until_us) != (least[0], int(data["at_us"]) + least[1] * 1_000_000):
            raise Wrong("a standing grant is for more, or for longer, than those who gave it signed")
        if any(wish["action"] and wish["action"] != gift.action for wish in wishes):
            raise Wrong("a standing grant is for something else than those who gave it signed")
    return gift


def check_gift(gift: Gift, request: Request, answers: Sequence[Mapping[str, Any]], *, alone: bool) -> None:
    """Against the request at which it was given. Raises Wrong."""
    if (gift.caller, gift.rule) != (request.caller, request.rule):
        raise Wrong("a standing grant is for somebody or something else than the request at which it was given")
    if not all(answer.get("wish", {}).get("action") for answer in answers) and gift.action != request.action:
        raise Wrong("a standing grant is for something else than those who gave it signed")
    if request.signed:
        check_seats(answers, request.terms, alone=alone)


def take(gift: Gift, approval: str, request: Request, at_us: int) -> None:
    """One use of it. Raises Wrong."""
    if not gift.signed:
        raise Wrong(f"approval {approval} rests on a standing grant that was given without the signature it asks for")
    if (gift.caller, gift.rule) != (request.caller, request.rule) or not fits(gift.action, request.action):
        raise Wrong(f"approval {approval} rests on a standing grant for somebody or something else")
    if at_us >= gift.until_us or (gift.ended_us is not None and at_us > gift.ended_us):
        raise Wrong(f"approval {approval} rests on a standing grant that was over")
    if approval not in gift.taken:
        gift.taken.append(approval)
    if len(gift.taken) > gift.uses:
        raise Wrong(f"approval {approval} rests on a standing grant whose uses were all taken")


def check_seats(answers: Sequence[Mapping[str, Any]], terms: Mapping[str, Any], *, alone: bool = False) -> None:
    """Whether these people are enough, each for one seat. `alone`: in an emergency. Raises Wrong."""
    groups = {(str(each["approver"]["issuer"]), str(each["approver"]["subject"])): each["groups"] for each in answers}
    if alone:
        seats = [frozenset(terms["break_glass"]["any"])]
    else:
        one_each, some = [frozenset([group]) for group in terms["all"]], frozenset(terms["any"])
        more = int(terms["quorum"]) - (0 if some else len(one_each))
        seats = one_each + [some or frozenset(terms["all"])] * more
    people, taken = [frozenset(mine) for mine in groups.values()], dict[int, int]()
    if not seats or not all(_seat(place, seats, people, taken, set()) for place in range(len(seats))):
        raise Wrong(f"{len(groups)} signed answers do not fill the {len(seats)} seats that the terms have")


def _seat(
    place: int,
    seats: Sequence[frozenset[str]],
    people: Sequence[frozenset[str]],
    taken: dict[int, int],
    tried: set[int],
) -> bool:
    """Finds somebody for a seat; who has another one may change to it (Kuhn). `taken`: person → seat."""
    for person, groups in enumerate(people):
        if person not in tried and groups & seats[place]:
            tried.add(person)
            if person not in taken or _seat(taken[person], seats, people, taken, tried):
                taken[person] = place
                return True
    return False


def fits(pattern: str, action: str) -> bool:
    """A star is one part of a path."""
    wanted, found = pattern.split("/"), action.split("/")
    return len(wanted) == len(found) and all(
        want in ("*", part) and (want != "*" or part) for want, part in zip(wanted, found, strict=True)
    )
