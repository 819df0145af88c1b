"""A real PostgreSQL server of one's own: initdb, a free port on loopback, a folder that goes with it.

As root it runs as the first of `postgres`, `nobody` that exists, since PostgreSQL refuses root.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from runtime import postgres
from runtime.settings import Shared
from tests.kit.more import missing

START_S = 60.0
PASSWORD = "a password of tests"  # over TCP the server asks for it
USER = "exeat"


@dataclass
class Server:
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        command = [_binary("postgres"), "-D", str(self.folder / "data")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **_as_whom())
        deadline = time.monotonic() + START_S
        while True:
            with contextlib.suppress(postgres.SharedDown):
                postgres.connect(self.shared("postgres"), "test").close()
                return
            assert self.process.poll() is None, "PostgreSQL ended at once"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: at once, with a checkpoint; SIGQUIT: as if it crashed."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(START_S)
            self.process = None

    def shared(self, database: str) -> Shared:
        return Shared(url=f"postgresql://{USER}@127.0.0.1:{self.port}/{database}", password=SecretStr(PASSWORD))

    def empty(self) -> Shared:
        """Always the same database, emptied."""
        self.sql(self.shared("postgres"), "DROP SCHEMA IF EXISTS exeat CASCADE")
        return self.shared("postgres")

    def another(self) -> Shared:
        """A new one."""
        name = f"t{uuid4().hex}"
        self.sql(self.shared("postgres"), f"CREATE DATABASE {name}")
        return self.shared(name)

    def copied(self, shared: Shared) -> Shared:
        """A copy as it is now; nobody may be connected."""
        name, of = f"t{uuid4().hex}", str(shared.url).rpartition("/")[2]
        self.sql(self.shared("postgres"), f"CREATE DATABASE {name} TEMPLATE {of}")
        return self.shared(name)

    def sql(self, shared: Shared, statement: str) -> list[Any]:
        with contextlib.closing(postgres.connect(shared, "test")) as conn:
            cursor = conn.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def settings(self, shared: Shared) -> str:
        """As TOML."""
        return f'[shared]\nurl = "{shared.url}"\npassword = "{PASSWORD}"\n'


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    if not _binary("initdb"):
        missing("no PostgreSQL (initdb, postgres): run `make tools`", "apt-get")
    folder = Path(tempfile.mkdtemp(prefix="xp"))
    server = Server(folder, _free_port())
    try:
        who = _as_whom()
        if who:
            os.chown(folder, who["user"], who["group"])
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        made = [_binary("initdb"), "-D", str(folder / "data"), "-U", USER, "--auth=scram-sha-256"]
        words = ["--pwfile", str(folder / "password"), "--no-sync", "-E", "UTF8", "--no-locale"]
        subprocess.run([*made, *words], check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)
        with (folder / "data" / "postgresql.conf").open("a") as conf:
            conf.write(f"listen_addresses = '127.0.0.1'\nport = {server.port}\nunix_socket_directories = ''\n")
            conf.write("max_connections = 40\nfsync = off\nfull_page_writes = off\n")
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)  # nobody reads its files again
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _binary(name: str) -> str:
    found = shutil.which(name)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return found or (str(versions[-1]) if versions else "")


def _as_whom() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    missing("PostgreSQL refuses to run as root, and there is no user for it", "apt-get")
