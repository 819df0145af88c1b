"""`python -m approvals`: one process, two sockets (holds.sock for extproc, approvals.sock for people)."""

import asyncio
import contextlib

import grpc

from approvals import approvals_pb2_grpc as stubs
from approvals.ceremony import Ceremony
from approvals.challenges import Challenges
from approvals.floor import Floor
from approvals.notifying.send import Sender
from approvals.notifying.service import Notifying
from approvals.people import Door
from approvals.service import ApprovalsService, HoldsService, RevocationsService
from approvals.service_signing import AuthenticatorsService
from approvals.sharing.store import SharedStore
from approvals.store import Store
from approvals.writer import Writer
from audit.write import metrics as store_metrics
from identity import Verifier, people_issuer
from runtime import metrics, tracing
from runtime.clock import Clock, SystemClock
from runtime.serve import main, serve_grpc
from runtime.settings import Settings, load
from snapshot.current import Current
from snapshot.masking_keys import masking_keys

GRACE_S = 0.5  # waits are open-ended: ending them quickly lets clients wait again at the next process

LEAD_S = 1.0  # how often the others look whether the one that tells people is gone


async def run(settings: Settings) -> None:
    with tracing.exporting(settings, "approvals"):  # around all: a collector that hangs must not cost the last word
        await _run(settings)


async def _run(settings: Settings) -> None:
    clock = SystemClock()
    store = _store(settings, clock)
    writer = Writer(store, clock, settings.approvals.max_waiting)
    await writer.open()
    try:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(metrics.exposed(settings, "approvals", store_metrics.spool(store.status)))
            current = Current(settings.gateway.state_dir, settings.secrets)
            floor = Floor(current.get, lambda: masking_keys(settings), settings.masking.floor)
            await _serve(settings, writer, await _people(settings, writer, stack, current, floor), floor)
    finally:
        await writer.close()


def _store(settings: Settings, clock: Clock) -> Store | SharedStore:
    spool, folder, gateway = settings.spool, settings.gateway.state_dir, settings.gateway.id
    limits = {
        "max_bytes": spool.max_bytes,
        "reserved_percent": spool.reserved_percent,
        "max_age_seconds": spool.max_age_seconds,
    }
    if settings.shared.url:
        return SharedStore(folder, gateway, clock, to=settings.shared, **limits)
    return Store(folder, gateway, clock, **limits)


async def _people(
    settings: Settings, writer: Writer, stack: contextlib.AsyncExitStack, current: Current, floor: Floor
) -> ApprovalsService:
    issuer, clock = people_issuer(settings.people), SystemClock()
    verifier = await stack.enter_async_context(Verifier([issuer], clock)) if issuer else None
    door = Door(verifier, {audience for agents in settings.issuers for audience in agents.audiences})
    most = settings.people.auth_time_max_seconds
    signature, gateway = settings.approvals.signature, settings.gateway.id

    def profiles() -> frozenset[str]:
        return current.get().masking.profiles

    return ApprovalsService(
        writer,
        door,
        clock,
        mask=floor,
        profiles=profiles,
        auth_time_max_s=most,
        overseers=settings.people.auditors,
        revokers=settings.people.admins,
        challenges=None if signature == "never" else Challenges(Ceremony(settings.console.url, gateway)),
        signature_required=signature == "required",
    )


async def _serve(settings: Settings, writer: Writer, people: ApprovalsService, floor: Floor) -> None:
    def add_holds(server: grpc.aio.Server) -> None:
        holds = HoldsService(writer, settings.approvals.signature)
        stubs.add_HoldsServicer_to_server(holds, server)  # type: ignore[no-untyped-call]  # generated
        stubs.add_RevocationsServicer_to_server(RevocationsService(writer), server)  # type: ignore[no-untyped-call]

    def add_people(server: grpc.aio.Server) -> None:
        stubs.add_ApprovalsServicer_to_server(people, server)  # type: ignore[no-untyped-call]
        signing = AuthenticatorsService(people, writer, SystemClock(), settings.people.auth_time_max_seconds)
        stubs.add_AuthenticatorsServicer_to_server(signing, server)  # type: ignore[no-untyped-call]

    register = [(settings.socket("holds"), add_holds), (settings.socket("approvals"), add_people)]
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(writer.run())
        group.create_task(asyncio.to_thread(floor.prepare))
        telling = group.create_task(_tell(settings, writer))
        await serve_grpc(register, grace_seconds=GRACE_S)
        telling.cancel()
        writing.cancel()


async def _tell(settings: Settings, writer: Writer) -> None:
    if settings.notifiers:
        while not await writer.leads():
            await asyncio.sleep(LEAD_S)
        clock = SystemClock()
        async with Sender(clock) as send:
            await Notifying(settings.notifiers, writer, send, clock, settings.console.url).run()


if __name__ == "__main__":
    main(lambda: run(load()))
