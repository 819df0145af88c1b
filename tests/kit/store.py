"""The real embedded store in a process of its own, on a free port; kills, freezes and restarts are one call each."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.store.accounts import Account, password_file
from runtime.settings import Settings
from tests.kit.serving import free_port

START_SECONDS = 30


@dataclass
class RunningStore:
    folder: Path
    port: int = field(default_factory=free_port)
    run: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="x")))  # sockets need a short path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        gateway = {"state_dir": self.folder, "run_dir": self.run}
        return Settings.model_validate({"gateway": gateway, "clickhouse": {"url": self.url}})

    @property
    def log(self) -> Path:
        return self.folder / "store.log"

    def password(self, account: Account) -> str:
        return password_file(self.folder, account).read_text().strip()

    def start(self, *, wait: bool = True) -> None:
        env = {"PATH": os.defpath, "EXEAT_CONFIG": os.devnull}
        env |= {"EXEAT_GATEWAY__STATE_DIR": str(self.folder), "EXEAT_CLICKHOUSE__URL": self.url}
        env["EXEAT_GATEWAY__RUN_DIR"] = str(self.run)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "audit.store"], env=env, stdout=log, stderr=log)
        if wait:
            self.until_ready()

    def until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/ping", timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError(f"the store is not ready: {self.log.read_text()[-2000:]}")

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a crash or the OOM killer would: nothing is flushed."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(30)

    def ask(self, sql: str | bytes, account: Account = Account.AUDITOR, **parameters: str) -> "Answer":
        """One request by hand, as curl would send it."""
        query = urllib.parse.urlencode(parameters)
        request = urllib.request.Request(f"{self.url}/?{query}", data=sql if isinstance(sql, bytes) else sql.encode())
        request.add_header("X-ClickHouse-User", account.value)
        request.add_header("X-ClickHouse-Key", self.password(account))
        return send(request)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def code(self) -> int:
        """ClickHouse's error code, 0 when there is none."""
        return int(self.headers.get("X-ClickHouse-Exception-Code", 0))


def send(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[RunningStore]:
    folder.mkdir(parents=True, exist_ok=True)
    store = RunningStore(folder)
    store.start()
    try:
        yield store
    finally:
        if store.process is not None and store.process.poll() is None:
            store.signal(signal.SIGCONT)
            store.signal(signal.SIGTERM)
            try:
                store.wait()
            except subprocess.TimeoutExpired:
                store.kill()
        shutil.rmtree(store.run, ignore_errors=True)
