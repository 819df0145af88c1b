"""Connections to the PostgreSQL that gateways share, and its numbered migrations. Shell.

The driver (psycopg) comes with the extra `postgres` and is imported here alone, when a connection is made. Every limit
that keeps a dead peer from holding others up is set here, for both ends.
"""

import contextlib
import hashlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from runtime.errors import GatewayError
from runtime.settings import Shared, is_loopback

if TYPE_CHECKING:
    import psycopg

SCHEMA = "exeat"
STATEMENT_MS = 5000  # a statement, and a lock that it waits for
IDLE_MS = 2000  # a transaction whose client has stopped is thrown out: long before those that wait for it give up
CONNECT_SECONDS = 5
PEER_SECONDS = 5  # without an answer a peer is dead
_FILE = re.compile(r"(\d{3})_([a-z0-9_]+)\.sql")
_OPTIONS = {
    "search_path": SCHEMA,
    "synchronous_commit": "on",
    "default_transaction_isolation": "read\\ committed",
    "statement_timeout": STATEMENT_MS,
    "lock_timeout": STATEMENT_MS,
    "idle_in_transaction_session_timeout": IDLE_MS,
    "tcp_keepalives_idle": PEER_SECONDS,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": PEER_SECONDS,
    "tcp_user_timeout": PEER_SECONDS * 1000,
}


class SharedDown(GatewayError):
    """The shared database gives no answer, or is not the one that was there before."""

    code = "shared_down"


def connect(shared: Shared, name: str) -> "psycopg.Connection[Any]":
    """A connection in autocommit mode; `name` is what the server lists it as. Raises SharedDown."""
    driver = _driver()
    try:
        conn: psycopg.Connection[Any] = driver.connect(**_parameters(shared), application_name=name, autocommit=True)
        return conn
    except (driver.Error, OSError) as error:
        raise SharedDown(f"PostgreSQL at {where(shared)}: {kind_of(error)}") from None


@contextlib.contextmanager
def told(shared: Shared) -> Iterator[None]:
    """The driver's errors become SharedDown, by their kind: their texts may quote values."""
    try:
        yield
    except (_driver().Error, OSError) as error:
        raise SharedDown(f"PostgreSQL at {where(shared)}: {kind_of(error)}") from None


def where(shared: Shared) -> str:
    url = urlsplit(shared.url or "")
    return f"{url.hostname}:{url.port or 5432}{url.path}"


def kind_of(error: Exception) -> str:
    """The SQLSTATE's name, else what kind of error of the driver it is."""
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__name__} ({state})" if state else type(error).__name__


def cut(conn: "psycopg.Connection[Any] | None") -> None:
    """Shuts its socket, from any thread: whoever waits for an answer on it gets an error instead."""
    with contextlib.suppress(Exception):
        if conn is not None and not conn.closed:
            with socket.socket(fileno=conn.fileno()) as channel:
                try:
                    channel.shutdown(socket.SHUT_RDWR)
                finally:
                    channel.detach()  # the driver closes it


def migrate(conn: "psycopg.Connection[Any]", room: str, folder: Path) -> None:
    """Brings a room's tables to this version; two processes at once take turns. Raises SharedDown."""
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('exeat migrations', 0))")
        if not conn.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)).fetchone():
            conn.execute(f"CREATE SCHEMA {SCHEMA}")
        conn.execute(
            "CREATE TABLE IF NOT EXISTS migrations (room text, n int, digest text NOT NULL,"
            " at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (room, n))"
        )
        known = dict(conn.execute("SELECT n, digest FROM migrations WHERE room = %s", (room,)).fetchall())
        files = {int(_FILE.fullmatch(file.name)[1]): file.read_bytes() for file in folder.glob("*.sql")}  # type: ignore[index]
        for n, digest in known.items():
            if n not in files or _digest(files[n]) != digest:
                raise SharedDown(f"migration {room} {n:03} in the database is not one of this version of Exeat")
        for n in sorted(set(files) - set(known)):
            conn.execute(files[n])
            conn.execute("INSERT INTO migrations (room, n, digest) VALUES (%s, %s, %s)", (room, n, _digest(files[n])))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _parameters(shared: Shared) -> dict[str, Any]:
    url = urlsplit(shared.url or "")
    own = is_loopback(url.hostname)
    return {
        "host": url.hostname,
        "port": url.port or 5432,
        "user": unquote(url.username or ""),
        "dbname": unquote(url.path.strip("/")),
        "password": _password(shared),
        "sslmode": "prefer" if own else "verify-full",
        **({} if own else {"sslrootcert": str(shared.ca) if shared.ca else "system"}),
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": PEER_SECONDS,
        "keepalives_interval": 1,
        "keepalives_count": PEER_SECONDS,
        "tcp_user_timeout": PEER_SECONDS * 1000,
        "options": " ".join(f"-c {name}={value}" for name, value in _OPTIONS.items()),
    }


def _password(shared: Shared) -> str | None:
    if shared.password is not None:
        return shared.password.get_secret_value()
    if shared.password_file is None:
        return None
    try:
        return shared.password_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SharedDown(f"shared.password_file cannot be read ({type(error).__name__})") from None


def _driver() -> Any:
    try:
        import psycopg
    except ImportError:
        raise SharedDown(
            "shared.url is set, but the PostgreSQL driver is not installed: pip install 'exeat[postgres]'"
            " (hash-pinned: requirements/postgres.lock)"
        ) from None
    return psycopg
