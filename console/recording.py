"""That somebody read the record is an event, too: appended to a spool of its own before the read happens.

Commands come and go, several at once, so this spool has no epoch per process: each command opens the file, adds its
event in one transaction, and closes it. The shipper takes it like any other.
"""

import contextlib
import hashlib
import os
import pwd
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from audit.read.reader import Read
from audit.write import Caller, Draft, Kind, Value, append, install, trim
from audit.write.commit import connect
from runtime.clock import Clock, SystemClock
from runtime.errors import Error, GatewayError
from runtime.fileio import private_dir
from runtime.settings import Settings

if TYPE_CHECKING:
    from masking import Ruleset

ROLE = "reads"
MAX_METHODS = 16  # of `amr`


class NotRecorded(GatewayError):
    """A read, a sign-in, a legal hold: what cannot be recorded does not happen."""

    code = "read_not_recorded"


class Recorder:
    """`read` is what a Reader calls; one event per kind of question in a command, however many queries it needs."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        *,
        caller: Caller | None = None,
        rules: "Callable[[], Ruleset] | None" = None,
        required: bool = False,
    ) -> None:
        """`caller`: who reads, by default who runs the command; `rules`: of the current snapshot, if at hand.

        `required`: without the gateway's spools nothing happens, as in the console.
        """
        self._settings, self._clock, self._required = settings, clock or SystemClock(), required
        self.caller, self._rules = caller or person(), rules or self._current_rules
        self._said: set[str] = set()

    def read(self, read: Read) -> None:
        """Raises NotRecorded. Without the gateway's spools, unless `required`, it says so and lets the read happen."""
        if read.what in self._said:
            return
        self._said.add(read.what)
        parameters = {name: str(value) for name, value in read.parameters.items()}
        exchange = parameters.get("exchange", "")
        self.record(
            Draft(
                Kind.READ,
                f"read.{read.what}",
                exchange=exchange if len(exchange) == 36 else "",
                session=parameters.get("session", ""),
                caller=self.caller,
                data={
                    "sql": self.masked(read.sql),
                    "sql_sha256": hashlib.sha256(read.sql.encode()).hexdigest(),
                    "parameters": {name: self.masked(value) for name, value in sorted(parameters.items())},
                },
            )
        )

    def record(self, draft: Draft, *, required: bool = False) -> None:
        """Durable on return, if there is a spool or one is `required`. Raises NotRecorded."""
        folder = self._settings.gateway.state_dir / "spool"
        if not folder.exists():
            if required or self._required:
                raise NotRecorded("what cannot be recorded does not happen: there is no spool of the gateway here")
            click.echo(f"note: not recorded, for this machine has no spool of the gateway ({folder})", err=True)
            return
        try:
            with _transaction(self._settings) as conn:
                _begin(conn, self._settings, self._clock)
                trim(conn, self._settings.gateway.state_dir / "log" / "cursor.db")  # first: it may be full, or old
                append(conn, [draft], self._clock)
        except (Error, sqlite3.Error, OSError) as error:
            why = error.message if isinstance(error, Error) else type(error).__name__
            raise NotRecorded(f"what cannot be recorded does not happen: {why}") from None

    def masked(self, text: str) -> str:
        """As everything stored: through the floor profile. Without rules at hand nothing of the text is kept."""
        from snapshot.masking_keys import masking_keys

        settings = self._settings
        try:
            return self._rules().masker([settings.masking.floor], keys=masking_keys(settings)).text(text)[0]
        except Error:
            return ""

    def _current_rules(self) -> "Ruleset":
        from snapshot.current import Current  # rules and detectors: only who records a text pays for them

        return Current(self._settings.gateway.state_dir, self._settings.secrets).get().masking


def signed_in(settings: Settings, token: str) -> None:
    """`person.signed_in` at this terminal, as its issuer just told over TLS. Raises NotRecorded.

    The caller of the event is who runs the command: nobody has verified the token yet. Where this machine has no spool
    there is nothing to say: approvals records each act with its verified person.
    """
    from identity import TokenRefused  # only who signs in pays for it
    from identity.token import take_apart

    if not (settings.gateway.state_dir / "spool").exists():
        return
    try:
        claims: Mapping[str, Any] = take_apart(token).claims
    except TokenRefused:  # opaque
        claims = {}
    told: dict[str, Value] = {"issuer": str(settings.people.issuer or ""), "through": "cli"}
    told |= {name: claims[name] for name in ("sub", "email") if isinstance(claims.get(name), str)}
    if type(claims.get("auth_time")) is int:
        told["auth_time"] = claims["auth_time"]
    methods = claims.get("amr")
    told["amr"] = [str(method) for method in methods[:MAX_METHODS]] if isinstance(methods, list) else []
    Recorder(settings).record(Draft(Kind.PERSON, "person.signed_in", caller=person(), data=told))


def person() -> Caller:
    """Who runs the command, as the operating system knows them."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return Caller(issuer=f"os:{socket.gethostname()}", subject=name)


@contextlib.contextmanager
def _transaction(settings: Settings) -> Iterator[sqlite3.Connection]:
    path = private_dir(settings.gateway.state_dir / "spool") / f"{ROLE}.db"
    conn = connect(path)
    try:
        conn.execute("BEGIN IMMEDIATE")
        yield conn
        conn.execute("COMMIT")
    finally:
        conn.close()  # rolls back what was not committed


def _begin(conn: sqlite3.Connection, settings: Settings, clock: Clock) -> None:
    """The first read ever makes the spool; its one epoch goes on for good."""
    if conn.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        spool = settings.spool
        install(
            conn,
            role=ROLE,
            gateway=settings.gateway.id,
            max_bytes=spool.max_bytes,
            reserved_percent=spool.reserved_percent,
            max_age_seconds=spool.max_age_seconds,
            clock=clock,
        )
