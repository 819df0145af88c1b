"""The approvals of the held calls in one answer: each call asks for itself, and each answer is used once. Pure.

    asking → waiting → using → decided      (or refused, expired, withdrawn on the way)

What is decided is told as (key, sentence): the sentence stands in place of a refused call, "" means that it goes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from approvals.facts import Ask
from extproc import events as ev
from extproc.commands import AskApproval, AwaitApproval, Command, Consume, Withdraw
from extproc.tools.call import Call, KeptTooLong

MOST = 64  # held calls in one answer; models make a handful
Decided = tuple[str, str]

SENTENCES = {
    "refused": "The call of {tool} was refused by an approver.",
    "expired": "The call of {tool} was not let through: nobody granted it in time.",
    "withdrawn": "The call of {tool} was not let through: its approval was withdrawn.",
    "used": "The call of {tool} was not let through: its approval cannot be used again.",
    "asked": "The call of {tool} needs an approval, which has been asked for: {approval}.",
}


@dataclass(slots=True)
class _Open:
    tool: str
    digest: str
    approval: str = ""  # while it is ours to withdraw


class Asking:
    """`ask` makes the question about a call; `responds`: nobody waits, the call is replaced until it is granted."""

    def __init__(self, ask: Callable[[Call], Ask], *, responds: bool) -> None:
        self._ask, self._responds = ask, responds
        self._open: dict[str, _Open] = {}
        self._asked = 0

    @property
    def open(self) -> bool:
        return bool(self._open)

    def begin(self, calls: Sequence[Call]) -> list[Command]:
        """Raises KeptTooLong when a model calls more than anybody can look at."""
        self._asked += len(calls)
        if self._asked > MOST:
            raise KeptTooLong
        commands: list[Command] = []
        for call in calls:
            asked = self._ask(call)
            self._open[call.key] = _Open(call.tool, asked.forwarded_digest)
            commands.append(AskApproval(asked, call.key))
        return commands

    def asked(self, event: ev.Asked) -> tuple[list[Command], list[Decided]]:
        call = self._open.get(event.key)
        if call is None:
            return [Withdraw(event.approval)], []
        if event.state == "granted":
            call.approval = event.approval
            return [Consume(event.approval, call.digest, event.key)], []
        if self._responds:
            return [], [self._decided(event.key, "asked", event.approval)]
        call.approval = event.approval
        return [AwaitApproval(event.approval, event.key)], []

    def answered(self, event: ev.Answered) -> tuple[list[Command], list[Decided]]:
        call = self._open.get(event.key)
        if call is None:
            return [], []
        if event.state == "granted":
            return [Consume(call.approval, call.digest, event.key)], []
        return [], [self._decided(event.key, event.state, words=event.message)]

    def consumed(self, event: ev.Consumed) -> list[Decided]:
        if event.key not in self._open:
            return []
        if not event.ours:
            return [self._decided(event.key, "used")]
        del self._open[event.key]
        return [(event.key, "")]

    def expired(self) -> tuple[list[Command], list[Decided]]:
        """Nobody has answered for as long as anybody waits here."""
        commands = self.withdraw()
        return commands, [self._decided(key, "expired") for key in list(self._open)]

    def withdraw(self) -> list[Command]:
        return [Withdraw(call.approval) for call in self._open.values() if call.approval]

    def _decided(self, key: str, what: str, approval: str = "", words: str = "") -> Decided:
        call = self._open.pop(key)
        sentence = SENTENCES.get(what, SENTENCES["refused"]).format(tool=call.tool, approval=approval)
        return key, f"{sentence} {words}".strip()
