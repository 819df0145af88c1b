"""What can happen to a process, as context managers: the fault holds while the block runs, and is over after it.

kill      SIGKILL; the supervisor starts it again
restart   SIGTERM; the same, after a drain
stop      SIGSTOP, SIGCONT at the end
slow      stopped nine tenths of the time
cut       nobody reaches it anew: its sockets are renamed away (open connections stay)
full      every write to a file fails, as on a full disk (RLIMIT_FSIZE)
"""

import contextlib
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.kit.gateway import Gateway, eventually

SOCKETS = {
    "authz": ("authz",),
    "extproc": ("extproc",),
    "approvals": ("approvals", "holds"),
    "envoy": ("envoy-admin",),
}
PARTS = ("authz", "extproc", "engine", "snapshot", "approvals", "store", "shipper", "console", "envoy")


@dataclass(frozen=True)
class Fault:
    name: str
    part: str

    def __str__(self) -> str:
        return f"{self.name} {self.part}"

    @contextlib.contextmanager
    def on(self, gateway: Gateway) -> Iterator[None]:
        with FAULTS[self.name](gateway, self.part):
            yield


@contextlib.contextmanager
def _ended(gateway: Gateway, part: str, number: int) -> Iterator[None]:
    before = gateway.signal(part, number)
    yield
    eventually(lambda: gateway.supervisor.pid(part), lambda pid: pid not in (None, before), 60)


@contextlib.contextmanager
def kill(gateway: Gateway, part: str) -> Iterator[None]:
    with _ended(gateway, part, signal.SIGKILL):
        yield


@contextlib.contextmanager
def restart(gateway: Gateway, part: str) -> Iterator[None]:
    with _ended(gateway, part, signal.SIGTERM):
        yield


@contextlib.contextmanager
def stop(gateway: Gateway, part: str) -> Iterator[None]:
    with gateway.frozen(part):
        yield


@contextlib.contextmanager
def slow(gateway: Gateway, part: str) -> Iterator[None]:
    pid = eventually(lambda: gateway.supervisor.pid(part), bool) or 0
    over = threading.Event()

    def brake() -> None:
        while not over.is_set():
            _signal(pid, signal.SIGSTOP)
            over.wait(0.09)
            _signal(pid, signal.SIGCONT)
            over.wait(0.01)

    thread = threading.Thread(target=brake, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        _signal(pid, signal.SIGCONT)


@contextlib.contextmanager
def cut(gateway: Gateway, part: str) -> Iterator[None]:
    sockets = [gateway.settings.socket(name) for name in SOCKETS[part]]
    hidden: list[tuple[Path, Path]] = []
    try:
        for path in sockets:
            away = path.with_suffix(".away")
            path.rename(away)
            hidden.append((path, away))
        yield
    finally:
        for path, away in hidden:
            if not path.exists():  # else the part was started again meanwhile and has a new one
                away.rename(path)


@contextlib.contextmanager
def full(gateway: Gateway, part: str) -> Iterator[None]:
    pid = eventually(lambda: gateway.supervisor.pid(part), bool) or 0
    most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, most)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


FAULTS: dict[str, Callable[[Gateway, str], contextlib.AbstractContextManager[None]]] = {
    "kill": kill, "restart": restart, "stop": stop, "slow": slow, "cut": cut, "full": full,
}  # fmt: skip


def applies(name: str, part: str) -> bool:
    """`cut`: who has a socket file. `full`: not who the limit would harm and a full disk would not.

    It kills Envoy, and lets ClickHouse's engine commit empty files; out of disk the engine reserves no room, and the
    store says so (tests/unit/audit/store/test_room.py).
    """
    return (name != "cut" or part in SOCKETS) and (name != "full" or part not in ("envoy", "store"))


def every() -> list[Fault]:
    return [Fault(name, part) for part in PARTS for name in FAULTS if applies(name, part)]


@dataclass(frozen=True)
class Held:
    """What a process holds on to."""

    pid: int
    handles: int
    rss_kb: int


def held(gateway: Gateway) -> dict[str, Held]:
    found = {}
    for part in PARTS:
        pid = eventually(lambda part=part: gateway.supervisor.pid(part), bool) or 0  # type: ignore[misc]
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        found[part] = Held(pid, len(os.listdir(f"/proc/{pid}/fd")), pages * resource.getpagesize() // 1024)
    return found
