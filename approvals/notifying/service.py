"""Follows approvals, makes the attempts that are due, has each recorded. Shell.

What waits is read from the approvals themselves when the process begins, so a note that was owed when it died is still
owed; what was delivered is in the store beside its event, so it is not sent a second time.
"""

import asyncio
import contextlib
from collections.abc import Sequence

from approvals.errors import ApprovalsDown
from approvals.facts import State
from approvals.machine import Approval
from approvals.notifying.message import Note, of_approval, of_emergency
from approvals.notifying.plan import Delivery, Outcome, Plan
from approvals.notifying.send import Sends
from approvals.standing import Standing
from approvals.writer import Writer
from audit.write import Draft, Kind, SpoolFull
from runtime import log
from runtime.clock import Clock
from runtime.settings import Notifier

REST_S = 1.0  # how often time is looked at, when nothing else happens
logger = log.get("approvals")


class Notifying:
    """`run()` belongs into the process's TaskGroup. `console`: origin that links begin with."""

    def __init__(self, notifiers: Sequence[Notifier], writer: Writer, send: Sends, clock: Clock, console: str) -> None:
        self._notifiers = {notifier.name: notifier for notifier in notifiers}
        self._writer, self._send, self._clock, self._console = writer, send, clock, console
        self._plan = Plan(())

    async def run(self) -> None:
        self._plan = Plan(list(self._notifiers.values()), await self._writer.delivered())
        async with asyncio.TaskGroup() as group:
            while True:
                with contextlib.suppress(ApprovalsDown):  # it fell behind a burst: begin with what is open now
                    await self._follow(group)

    async def _follow(self, group: asyncio.TaskGroup) -> None:
        with self._writer.watching() as feed:
            for approval in await self._writer.listed(finished=False):
                self._heard(approval)
            while True:
                for delivery in self._plan.due(self._clock.now_us()):
                    group.create_task(self._deliver(delivery))
                for approval in await feed.take(self._rest()):
                    self._heard(approval)
                for standing in await self._writer.standings():
                    self._owed(standing)

    def _rest(self) -> float:
        next_us = self._plan.next_us()
        if next_us is None:
            return REST_S
        return min(REST_S, max(0.0, (next_us - self._clock.now_us()) / 1e6))

    def _heard(self, approval: Approval) -> None:
        if approval.state is State.REQUESTED:
            self._plan.add(of_approval(approval, self._console), approval.requested_us)
        else:
            self._plan.drop(approval.id)

    def _owed(self, standing: Standing) -> None:
        if standing.owes_review:
            self._plan.add(of_emergency(standing, self._console), standing.given.at_us)
        elif standing.given.break_glass:
            self._plan.drop(standing.id)

    async def _deliver(self, delivery: Delivery) -> None:
        outcome, status = await self._send(self._notifiers[delivery.notifier], delivery.note)
        outcome = self._plan.ended(delivery, outcome, self._clock.now_us())
        if outcome is not Outcome.DELIVERED:
            fields = {"notifier": delivery.notifier, "outcome": str(outcome), "status": status}
            logger.warning("not_delivered", extra={"fields": fields})
        final = outcome is not Outcome.FAILED
        try:
            await self._writer.told(draft(delivery, outcome, status), delivery.key if final else None)
        except SpoolFull:  # the gateway is closed, and says so by itself
            logger.error("delivery_not_recorded", extra={"fields": {"notifier": delivery.notifier}})


def draft(delivery: Delivery, outcome: Outcome, status: int) -> Draft:
    """`notification.delivered|failed|refused|given_up`."""
    note: Note = delivery.note
    return Draft(
        Kind.APPROVAL,
        f"notification.{outcome}",
        exchange=note.exchange,
        data={
            "notifier": delivery.notifier,
            "about": note.about,
            "what": note.what,
            "note": note.id,
            "attempt": delivery.attempt,
            "status": status,
        },
    )
