"""Checking the approvers' own signatures (Web Authentication Level 3, §7.2) with nothing but the record. Pure.

    person.authenticator_added    whose it is, its public key (DER, base64url), RP id and origin; …_removed ends it
    approval.requested            terms.signature: every answer must be signed; what follows is in `answers`
    approval.endorsed|granted|refused, standing.given|break_glass (in `answers`)
                                  signature {credential, client_data, authenticator_data, signature, answer, nonce, …}

So a changed word, another request or another person is a finding, also when the log around it was signed anew: the
log's key is the gateway's, this one was never on that machine.
"""

import contextlib
import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from audit.verify.answers import (
    ENDS,
    Gift,
    NotHere,
    Request,
    Wrong,
    check_gift,
    check_seats,
    gift_of,
    request_of,
    take,
)
from audit.verify.assertions import Key, key_of, verified
from audit.verify.body import Event
from audit.verify.findings import Finding, Flaw, Report

ANSWERS = {"approval.endorsed", "approval.granted", "approval.refused"}
GIFTS = {"standing.given", "standing.break_glass"}
BESIDE = " (give the package of that gateway with --beside)"
LIFE_US = 120_000_000  # from the challenge to the answer


class Signatures:
    """`told` every event in log order; `settle` adds what was found. `whole`: False where events were chosen."""

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self._keys: dict[str, Key] = {}
        self._removed: set[str] = set()
        self._requests: dict[str, Request] = {}  # open ones
        self._elsewhere: dict[str, Request] = {}  # of logs beside this one
        self._ended: set[str] = set()  # approvals that asked for signatures
        self._gifts: dict[str, Gift] = {}
        self._seen: dict[str, tuple[str, str]] = {}  # nonce → (approval, signature)
        self._own: set[str] = set()  # nonces whose answer's own event was told
        self._held: set[str] = set()  # nonces of signatures that hold
        self._found: list[Finding] = []
        self._not_here: list[tuple[int, Finding]] = []  # with the event's month
        self._no_request: Counter[str] = Counter()

    def beside(self, events: Iterable[Event]) -> None:
        """What the logs of gateways that share approvals say of keys, requests and standing grants, in log order."""
        for event in events:
            with contextlib.suppress(Exception):  # what is wrong in them, their own verification says
                self._beside(event)

    def told(self, event: Event, log_index: int) -> None:
        if not event.type.startswith(("approval.", "standing.", "person.authenticator_")):
            return

        def finding(message: str) -> Finding:
            return Finding(Flaw.SIGNATURE, message, log_index, event.writer, event.seq)

        try:
            self._told(event)
        except NotHere as error:
            self._not_here.append((_month(event.ts_us), finding(str(error))))
        except Wrong as error:
            self._found.append(finding(str(error)))
        except Exception:  # strangers' bytes in a library's parsers: whatever breaks is a finding, and the rest is read
            self._found.append(finding("what it says of a signature cannot be read"))

    def settle(self, report: Report, gone: int | None = None) -> None:
        """`gone`: the first month (202611) of which events that may have registered a key, or given a standing grant,
        were pruned, as the log says and the evidence shows."""
        report.signatures += len(self._held)
        excused = [finding for month, finding in self._not_here if gone is not None and gone <= month]
        for finding in (*self._found, *(finding for _, finding in self._not_here if finding not in excused)):
            report.add(finding)
        report.unproved += len(excused)
        if excused:
            report.note(f"{len(excused)} answers rest on keys or standing grants whose events were pruned: not proved")
        for what, count in self._no_request.items():
            report.note(
                f"{count} {what}: the requests that they answer are not here, so neither is what these asked for"
            )

    def _told(self, event: Event) -> None:
        data, type_ = event.data, event.type
        if type_ == "person.authenticator_added":
            self._add(event)
        elif type_ == "person.authenticator_removed":
            self._removed.add(str(data["authenticator"]))
        elif type_ == "approval.requested":
            self._requests[str(data["approval"])] = request_of(event)
        elif type_ in GIFTS:
            self._given(event)
        elif type_ in ("standing.over", "standing.revoked"):
            self._over(data)
        elif type_ in ANSWERS or type_ in ENDS:
            self._about(event)

    def _beside(self, event: Event) -> None:
        data, type_ = event.data, event.type
        if type_ == "person.authenticator_added":
            self._add(event)
        elif type_ == "person.authenticator_removed":
            self._keys[str(data["authenticator"])].removed_us = int(data["at_us"])
        elif type_ == "approval.requested":
            self._elsewhere[str(data["approval"])] = request_of(event)
        elif type_ in GIFTS:
            self._gifts[str(data["standing"])] = gift_of(event)
        elif type_ in ("standing.over", "standing.revoked"):
            self._over(data)

    def _add(self, event: Event) -> None:
        data, (issuer, subject) = event.data, event.columns[9:11]
        id_ = str(data["authenticator"])
        if id_ in self._keys:
            raise Wrong(f"the authenticator {_short(id_)} is registered a second time")
        self._keys[id_] = key_of(data, str(issuer), str(subject), int(data["count"]))

    def _over(self, data: Mapping[str, Any]) -> None:
        gift = self._gifts.get(str(data["standing"]))
        if gift is not None:
            gift.ended_us = int(data["at_us"])

    def _about(self, event: Event) -> None:
        """An answer, a use, another end."""
        approval, type_ = str(event.data["approval"]), event.type
        request = self._requests.get(approval) or self._elsewhere.get(approval)
        try:
            if approval in self._ended:
                raise Wrong(f"approval {approval} had ended before this")
            if type_ == "approval.used":
                self._used(approval, request, event)
            elif type_ in ANSWERS:
                self._answered(approval, request, event)
        finally:
            if type_ in ENDS:
                self._requests.pop(approval, None)
                if request is not None and request.signed:
                    self._ended.add(approval)

    def _answered(self, approval: str, request: Request | None, event: Event) -> None:
        data, standing, at_us = event.data, str(event.data.get("standing", "")), int(event.data["at_us"])
        asked = request is not None and request.signed
        if "signature" in data:
            if "justification" not in data:
                raise Wrong(f"the words of {_who(data)} on approval {approval} are not in their answer")
            wanted = "refuse" if event.type == "approval.refused" else "break_glass" if standing else "grant"
            self._check(approval, wanted, data, request, _here(event), at_us)
        elif asked and not standing:
            raise Wrong(f"{_who(data)} answered approval {approval} without the signature that it asks for")
        elif request is None:
            self._no_request["answers without a signature"] += 1
        if asked and standing:
            assert request is not None
            gift = self._gifts.get(standing)
            if gift is None:
                raise NotHere(f"approval {approval} rests on a standing grant that no event here tells of{BESIDE}")
            take(gift, approval, request, at_us)
            request.by = standing

    def _used(self, approval: str, request: Request | None, event: Event) -> None:
        """What it rests on is repeated in it, since it may have been said at another gateway."""
        standing, answers = str(event.data.get("standing", "")), event.data.get("answers", [])
        for answer in answers:
            signature = answer["signature"]
            self._check(approval, "break_glass" if standing else "grant", answer, request, _here(event))
            missing = signature["gateway"] == _here(event) and str(signature["nonce"]) not in self._own
            if self._whole and request is not None and missing:
                raise NotHere(
                    f"approval {approval} was used by an answer of {_who(answer)} that no event of its own tells"
                )
        if request is None or not request.signed:
            return
        if not standing or answers:
            check_seats(answers, request.terms, alone=bool(standing))
        elif self._whole and request.by != standing:
            raise NotHere(f"approval {approval} was used by a standing grant that had not said yes to it")

    def _given(self, event: Event) -> None:
        data, approval, answers = event.data, str(event.data["approval"]), event.data["answers"]
        request, alone = self._requests.get(approval) or self._elsewhere.get(approval), event.type != "standing.given"
        gift = self._gifts[str(data["standing"])] = gift_of(event)
        if request is not None and request.signed and not gift.signed:
            raise Wrong(f"a standing grant was given at approval {approval} without the signature that it asks for")
        for answer in answers:
            if "signature" in answer:
                self._check(approval, "break_glass" if alone else "grant", answer, request, _here(event))
        if request is not None and gift.signed:
            check_gift(gift, request, answers, alone=alone)

    def _check(
        self,
        approval: str,
        wanted: str,
        answer: Mapping[str, Any],
        request: Request | None,
        here: str,
        at_us: int | None = None,
    ) -> None:
        """Raises Wrong unless the answer's signature is one over this answer. `here`: whose log this is.

        `at_us`: when it was given; None where an event repeats what another one tells.
        """
        signature, whose = answer["signature"], f"the signature of {_who(answer)} on approval {approval}"
        if signature["answer"] != wanted:
            raise Wrong(f"{whose} is one for {str(signature['answer'])[:20]!r}, not for {wanted!r}")
        known = self._keys.get(str(signature["credential"]))
        key = known or key_of(signature, str(answer["approver"]["issuer"]), str(answer["approver"]["subject"]), 0)
        if (key.issuer, key.subject) != (answer["approver"]["issuer"], answer["approver"]["subject"]):
            raise Wrong(f"{whose} was made with the authenticator of {key.subject}")
        data = verified(approval, answer, key, whose)
        if request is None and at_us is not None:
            self._no_request["signed answers"] += 1
        if request is not None and (answer["asked"], answer["shown"]) != (request.digest, request.shown):
            raise Wrong(f"{whose} is over another request than the one that is recorded")
        self._once(approval, signature, whose)
        if at_us is not None:
            self._in_turn(signature, at_us, int.from_bytes(data[33:37], "big"), key, whose, here)
        if known is None:
            raise NotHere(_unregistered(signature, whose, here))
        self._held.add(str(signature["nonce"]))

    def _once(self, approval: str, signature: Mapping[str, Any], whose: str) -> None:
        """Events may repeat an answer; its challenge is good for that answer alone."""
        this = (approval, str(signature["signature"]))
        if self._seen.setdefault(str(signature["nonce"]), this) != this:
            raise Wrong(f"{whose} uses a challenge for a second time")

    def _in_turn(self, signature: Mapping[str, Any], at_us: int, count: int, key: Key, whose: str, here: str) -> None:
        """Here, once, in time, by a key that was good then, its counter going up. Of repeats nothing of this is asked:
        they may stand anywhere."""
        if signature["gateway"] != here:
            raise Wrong(f"{whose} was made at gateway {str(signature['gateway'])[:40]!r}")
        if str(signature["nonce"]) in self._own:
            raise Wrong(f"{whose} uses a challenge for a second time")
        if signature["credential"] in self._removed or (key.removed_us is not None and at_us >= key.removed_us):
            raise Wrong(f"{whose} was made with an authenticator that had been removed")
        self._own.add(str(signature["nonce"]))
        if not at_us < int(signature["expires_us"]) <= at_us + LIFE_US:
            raise Wrong(f"{whose} was not made in the two minutes before the answer")
        if (count or key.count) and count <= key.count:
            raise Wrong(f"{whose} has a counter that went back: the same key may be in two devices")
        key.count = count


def _unregistered(signature: Mapping[str, Any], whose: str, here: str) -> str:
    message, where = (
        f"{whose} is by the authenticator {_short(str(signature['credential']))}, ",
        signature["registered"],
    )
    if where != here:
        return f"{message}registered, it says, at gateway {str(where)[:40]!r}: no event here tells whose it is{BESIDE}"
    return f"{message}which was not registered before it"


def _here(event: Event) -> str:
    return str(event.columns[5])


def _month(us: int) -> int:
    moment = datetime.datetime.fromtimestamp(us // 1_000_000, datetime.UTC)
    return moment.year * 100 + moment.month


def _who(answer: Mapping[str, Any]) -> str:
    approver = answer["approver"]
    return str(approver.get("email") or approver["subject"])[:100]


def _short(id_: str) -> str:
    return id_[:12]
