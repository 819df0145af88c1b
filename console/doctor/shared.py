"""Looks at the PostgreSQL that gateways share, if they do."""

import asyncio
import contextlib

from approvals.sharing.tables import AWAY_SECONDS
from console.doctor.finding import Finding, fail, ok, warn
from runtime import postgres
from runtime.clock import Clock
from runtime.settings import Settings

SECTION = "See docs/approvals.md#several-gateways."


async def shared(settings: Settings, clock: Clock) -> list[Finding]:
    """Nothing to say where nothing is shared."""
    return await asyncio.to_thread(_shared, settings) if settings.shared.url else []


def _shared(settings: Settings) -> list[Finding]:
    try:
        with (
            contextlib.closing(postgres.connect(settings.shared, "exeat doctor")) as conn,
            postgres.told(settings.shared),
        ):
            row = conn.execute(
                "SELECT current_setting('server_version'), current_setting('fsync'), rolsuper"
                " FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            there = conn.execute("SELECT to_regclass('exeat.gateways') IS NOT NULL").fetchone()
            gateways = (
                conn.execute(
                    "SELECT g.id, g.seen < now() - %s * interval '1 second',"
                    " (SELECT count(*) FROM log l WHERE l.gateway = g.id AND l.pos > g.drained)"
                    " FROM gateways g ORDER BY id",
                    (AWAY_SECONDS,),
                ).fetchall()
                if there and there[0]
                else []
            )
    except postgres.SharedDown as error:
        return [fail("shared", error.message, SECTION)]
    assert row is not None  # one's own role is always there
    found = [ok("shared", f"PostgreSQL {row[0]} at {postgres.where(settings.shared)}; {len(gateways)} gateway(s)")]
    if row[1] != "on":
        found.append(fail("shared", "fsync is off: what is granted may be lost with the power", "Set fsync = on."))
    if row[2]:
        found.append(warn("shared", "the user is a superuser", "Give it a database of its own. " + SECTION))
    for name, away, waiting in gateways:
        if away:
            words = f"; {waiting} of its events wait for it" if waiting else ""
            found.append(warn("shared", f"the approvals process of {name} is away{words}", SECTION))
    return found
