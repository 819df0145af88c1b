"""Every operation of the API. Each is a few lines: the acts themselves are the pages' and the command line's."""

import asyncio
import dataclasses
from typing import Any

from approvals.facts import Narrowing, Wish
from approvals.revocations import Scope
from audit.read import Reader, decisions, holds, sessions
from audit.read.decisions import Filter
from audit.read.instants import instant
from audit.read.questions import known
from audit.read.rows import first
from audit.read.story import story
from audit.read.timeline import timeline
from console import explained, holding
from console.backtesting import as_document
from console.documents import of_approval, of_revocation, of_standing
from console.trying import try_cases
from console.web.api import models as m
from console.web.api.operation import Call, Operation
from console.web.menu import EVERYBODY, RECORD, STAFF
from console.web.people import Role
from console.web.site import connections, evidence, masking, policies, sql, trials
from runtime.errors import Error
from snapshot.cases import parse_cases
from snapshot.decision import Bounds

Document = dict[str, Any]


async def me(call: Call) -> Document:
    who = call.person.identity
    roles = sorted(call.person.roles)
    return {"issuer": who.issuer, "subject": who.subject, "email": who.email, "roles": roles}


async def list_approvals(call: Call) -> Document:
    async with call.desk.approvals(call.person) as client:
        return {"approvals": [of_approval(one) for one in await client.list(finished=call.query.finished)]}


async def show_approval(call: Call) -> Document:
    async with call.desk.approvals(call.person) as client:
        return of_approval(*await client.get(call.path["id"]))


async def grant(call: Call) -> Document:
    given, less = call.body, Narrowing(tuple(call.body.masking), call.body.max_response_bytes)
    async with call.desk.approvals(call.person) as client:
        wish = None
        if given.standing is not None:
            approval, _ = await client.get(call.path["id"])
            wish = _wish(given.standing, approval.card.terms.standing)
        granted = await client.grant(call.path["id"], given.shown_digest, given.justification, less, wish)
        return of_approval(granted)


async def break_glass(call: Call) -> Document:
    given = call.body
    async with call.desk.approvals(call.person) as client:
        approval, _ = await client.get(call.path["id"])
        glass = approval.card.terms.break_glass
        wish = _wish(given, glass.bounds if glass else None)
        return of_approval(await client.break_glass(approval.id, given.shown_digest, given.justification, wish))


def _wish(given: m.InAdvance | m.Emergency, bounds: Bounds | None) -> Wish:
    return Wish(given.uses, given.seconds or (bounds.seconds if bounds else 1), given.action)


async def list_standing(call: Call) -> Document:
    async with call.desk.approvals(call.person) as client:
        return {"standing": [of_standing(one) for one in await client.standings(ended=call.query.ended)]}


async def end_standing(call: Call) -> Document:
    async with call.desk.approvals(call.person) as client:
        return of_standing(await client.revoke_standing(call.path["id"], call.body.words))


async def review_standing(call: Call) -> Document:
    async with call.desk.approvals(call.person) as client:
        return of_standing(await client.review(call.path["id"], call.body.words))


async def list_revocations(call: Call) -> Document:
    async with call.desk.approvals(call.person) as client:
        return {"revocations": [of_revocation(one) for one in await client.revocations(lifted=call.query.lifted)]}


async def revoke(call: Call) -> Document:
    given = call.body
    async with call.desk.approvals(call.person) as client:
        return of_revocation(await client.revoke(Scope(given.scope), given.value, given.reason, given.issuer))


async def lift(call: Call) -> Document:
    async with call.desk.approvals(call.person) as client:
        return of_revocation(await client.lift(call.path["id"], call.body.words))


async def list_legal_holds(call: Call) -> Document:
    found = await call.desk.read(call.person, lambda reader: holds.fold(reader.ask(holds.question())))
    return {"legal_holds": [dataclasses.asdict(one) | {"active": one.active} for one in found]}


async def add_legal_hold(call: Call) -> Document:
    given = call.body
    scope = {name: getattr(given, name) for name in holds.FIELDS}
    recorder, now_us = call.desk.recorder(call.person), call.desk.clock.now_us()
    told = (given.reason, given.since, given.until, now_us)
    return {"id": await asyncio.to_thread(holding.add, recorder, scope, *told)}


async def release_legal_hold(call: Call) -> Document:
    name = await call.desk.read(call.person, lambda reader: holding.active(reader, call.path["id"]))
    await asyncio.to_thread(holding.release, call.desk.recorder(call.person), name, call.body.words)
    return {"id": name}


async def refuse(call: Call) -> Document:
    async with call.desk.approvals(call.person) as client:
        return of_approval(await client.refuse(call.path["id"], call.body.shown_digest, call.body.justification))


async def list_decisions(call: Call) -> Document:
    question = decisions.newest(_filter(call), call.query.limit)
    return {"decisions": await call.desk.read(call.person, lambda reader: reader.ask(question))}


async def explain(call: Call) -> Document:
    found = await call.desk.read(call.person, lambda reader: explained.gather(reader, call.path["exchange"]))
    return found.as_dict(await explained.again(call.desk.settings, found))


async def list_sessions(call: Call) -> Document:
    question = sessions.newest(_filter(call), call.query.limit)
    return {"sessions": await call.desk.read(call.person, lambda reader: reader.ask(question))}


async def show_session(call: Call) -> Document:
    def ask(reader: Reader) -> Document:
        key = sessions.key(reader, call.path["session"])
        return {"session": key, "exchanges": reader.ask(sessions.exchanges(key))}

    return await call.desk.read(call.person, ask)


async def replay(call: Call) -> Document:
    def ask(reader: Reader) -> Document:
        key = sessions.key(reader, call.path["session"])
        told = story(timeline(*sessions.load(reader, key, call.query.exchange)))
        return {"session": key, "length_us": told.length_us, "lines": [dataclasses.asdict(line) for line in told.lines]}

    return await call.desk.read(call.person, ask)


async def list_snapshots(call: Call) -> Document:
    try:
        serving = call.desk.snapshot().digest.removeprefix("sha256:")
    except Error:
        serving = ""
    return {"serving": serving, "kept": policies.kept(call.desk)}


async def show_snapshot(call: Call) -> Document:
    repository = policies.source(call.desk, call.path["digest"])
    return {"digest": call.path["digest"], "files": {path: repository.text(path) for path in repository.files}}


async def try_policy(call: Call) -> Document:
    repository = policies.source(call.desk, call.path["digest"])
    cases = parse_cases(call.body.case, "case", need_want=False)
    async with trials.working:
        return {"tried": [dataclasses.asdict(one) for one in await try_cases(repository, cases)]}


async def backtest(call: Call) -> Document:
    repository, given = policies.source(call.desk, call.path["digest"]), call.body
    draft = trials.draft(repository, given.file, given.text)
    asked = {"since": given.since, "agent": given.agent, "connection": given.connection}
    chosen = trials.which(asked, call.desk.clock.now_us())
    async with trials.working:
        digest, tally = await trials.run(call.desk, call.person, draft, chosen)
    return as_document(tally, digest)


async def mask(call: Call) -> Document:
    return masking.try_text(call.desk.snapshot().masking, call.body.text, call.body.profiles, call.body.media)


async def list_connections(call: Call) -> Document:
    found = await connections.seen(call.desk)
    return {"connections": [dataclasses.asdict(one) | {"ways": dict(one.ways)} for one in found]}


async def verify(call: Call) -> Document:
    return await evidence.verify_now(call.desk, call.person)


async def list_questions(call: Call) -> Document:
    return {"questions": [dataclasses.asdict(question) for question in known().values()]}


async def ask_named(call: Call) -> Document:
    return await _rows(call, call.path["name"], call.body.parameters)


async def ask_sql(call: Call) -> Document:
    return await _rows(call, "", {"sql": call.body.sql})


async def _rows(call: Call, name: str, given: dict[str, str]) -> Document:
    question = sql.bind(name, given, call.desk.clock.now_us())
    found = await call.desk.read(call.person, lambda reader: first(reader, question, call.body.limit))
    return dataclasses.asdict(found)


def _filter(call: Call) -> Filter:
    asked, now_us = call.query, call.desk.clock.now_us()
    until_us = instant(asked.until, now_us) if asked.until else None
    fields = {name: getattr(asked, name) for name in ("effect", "subject", "agent", "connection", "session")}
    return Filter(instant(asked.since or "7d", now_us), until_us, **fields)


APPROVER = (Role.APPROVER,)
ADMIN = (Role.ADMIN,)
OPERATIONS = (
    Operation("GET", "/me", "me", "Who this token is, and their roles.", EVERYBODY, me, m.Me),
    Operation("GET", "/approvals", "list_approvals", "What waits, oldest first.", EVERYBODY, list_approvals,
              m.Approvals, query=m.Finished),
    Operation("GET", "/approvals/{id}", "show_approval", "One approval with what its answer is about.", EVERYBODY,
              show_approval, m.Shown),
    Operation("POST", "/approvals/{id}/grant", "grant", "Let it go, once; with less if you say so, never with more.",
              APPROVER, grant, m.Approval, body=m.Grant),
    Operation("POST", "/approvals/{id}/refuse", "refuse", "Stop it; one refusal outweighs every grant.", APPROVER,
              refuse, m.Approval, body=m.Answer),
    Operation("POST", "/approvals/{id}/break-glass", "break_glass", "Grant alone, in an emergency; a review is owed.",
              EVERYBODY, break_glass, m.Approval, body=m.Emergency),
    Operation("GET", "/standing", "list_standing", "What is granted in advance, and what owes a review.", EVERYBODY,
              list_standing, m.Standings, query=m.Ended),
    Operation("POST", "/standing/{id}/revoke", "end_standing", "End a standing grant at once.", EVERYBODY, end_standing,
              m.Standing, body=m.Words),
    Operation("POST", "/standing/{id}/review", "review_standing", "Say what you found about an emergency grant.",
              APPROVER, review_standing, m.Standing, body=m.Words),
    Operation("GET", "/revocations", "list_revocations", "Who is stopped.", RECORD, list_revocations, m.Revocations,
              query=m.Lifted),
    Operation("POST", "/revocations", "revoke", "Stop a subject, an agent, a session or a token at once.", ADMIN,
              revoke, m.Revocation, body=m.Revoke),
    Operation("POST", "/revocations/{id}/lift", "lift", "Let them go on; what was ended stays ended.", ADMIN, lift,
              m.Revocation, body=m.Words),
    Operation("GET", "/legal-holds", "list_legal_holds", "What outranks retention, and what was released.", RECORD,
              list_legal_holds, m.LegalHolds),
    Operation("POST", "/legal-holds", "add_legal_hold", "Keep what the fields name; without any, everything.", RECORD,
              add_legal_hold, m.Kept, body=m.Keep),
    Operation("POST", "/legal-holds/{id}/release", "release_legal_hold", "End a legal hold.", ADMIN,
              release_legal_hold, m.Kept, body=m.Words),
    Operation("GET", "/decisions", "list_decisions", "The newest decisions first.", RECORD, list_decisions, m.Decisions,
              query=m.NarrowedBy),
    Operation("GET", "/decisions/{exchange}", "explain", "Why, and whether it would be decided so again.", RECORD,
              explain, m.Explanation),
    Operation("GET", "/sessions", "list_sessions", "The sessions with the latest activity first.", RECORD,
              list_sessions, m.SessionList, query=m.NarrowedBy),
    Operation("GET", "/sessions/{session}", "show_session", "The exchanges of a session.", RECORD, show_session,
              m.SessionOf),
    Operation("GET", "/sessions/{session}/replay", "replay", "What happened, in order, masked as recorded.", RECORD,
              replay, m.Replay, query=m.OneExchange),
    Operation("GET", "/snapshots", "list_snapshots", "The revision that serves, and those on this machine.", STAFF,
              list_snapshots, m.Snapshots),
    Operation("GET", "/snapshots/{digest}", "show_snapshot", "The files of a revision.", STAFF, show_snapshot, m.Files),
    Operation("POST", "/snapshots/{digest}/try", "try_policy", "Decide cases; nothing takes effect.", STAFF, try_policy,
              m.Tried, body=m.Cases),
    Operation("POST", "/snapshots/{digest}/backtest", "backtest", "Decide what was recorded again.", RECORD, backtest,
              m.Backtest, body=m.BacktestOf),
    Operation("POST", "/mask", "mask", "What the rules in force make of a text, which is kept nowhere.", STAFF, mask,
              m.Masked, body=m.ToMask),
    Operation("GET", "/connections", "list_connections", "The upstreams, and how to reach them.", EVERYBODY,
              list_connections, m.Connections),
    Operation("POST", "/verify", "verify", "Recompute every hash, chain, tree and signature.", RECORD, verify,
              m.Verification),
    Operation("GET", "/questions", "list_questions", "Questions to the record that have a name.", RECORD,
              list_questions, m.Questions),
    Operation("POST", "/questions/{name}", "ask_named", "Ask one of them.", RECORD, ask_named, m.Rows,
              body=m.Parameters),
    Operation("POST", "/sql", "ask_sql", "Ask the record by SQL, read-only.", RECORD, ask_sql, m.Rows, body=m.Sql),
)  # fmt: skip
