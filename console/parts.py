"""The processes of one installation, in the order in which they start (they end in the reverse order).

The store and the shipper start first and end last, so that what the others record while they stop is still shipped.
"""

import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from runtime import health
from runtime.settings import Settings
from runtime.supervise import Part
from snapshot.envoy import process as envoy_process

Check = Callable[[], Awaitable[bool]]


def parts(settings: Settings, config: Path | None) -> list[Part]:
    """Embedded engine and store only where the settings say so."""
    environment = {"EXEAT_CONFIG": str(config.absolute())} if config else {}
    ours = partial(_python, environment)
    found: list[Part] = []
    if settings.clickhouse.embedded:
        found.append(ours("store", "audit.store", _http(settings.clickhouse.url, "/ping")))
    found.append(ours("shipper", "audit.ship"))
    if settings.forward_targets:
        found.append(ours("forward", "audit.forward"))
    found.append(ours("snapshot", "snapshot", _exists(settings.gateway.state_dir / "current")))
    if settings.engine.embedded:
        found.append(ours("engine", "snapshot.engine", _http(settings.engine.url, "/health")))
    found.append(ours("approvals", "approvals", _sockets(settings.socket("approvals"), settings.socket("holds"))))
    found += _several(settings, environment, "authz")
    found += _several(settings, environment, "extproc")
    found.append(_envoy(settings))
    found.append(ours("console", "console.web", _console(settings)))
    return found


def _several(settings: Settings, environment: dict[str, str], service: Literal["authz", "extproc"]) -> list[Part]:
    """The first one's command is that of a single one."""
    return [
        _python(environment, name, service, _sockets(settings.socket(name)), *([str(index)] if index else []))
        for index, name in enumerate(settings.processes(service))
    ]


def _python(environment: dict[str, str], name: str, module: str, ready: Check | None = None, *rest: str) -> Part:
    argv = (sys.executable, "-m", module, *rest)
    return Part(name, argv, ready, environment=environment) if ready else Part(name, argv, environment=environment)


def _http(url: str, path: str) -> Check:
    async def ready() -> bool:
        return await health.http_status(url.removeprefix("http://").rstrip("/"), path) == 200

    return ready


def _console(settings: Settings) -> Check:
    """Over TLS it is enough that it listens: a supervisor holds no CA."""
    if settings.console.certificate is None:
        return _http(f"http://{settings.console.listen}", "/health")

    async def ready() -> bool:
        return await health.listens(settings.console.listen)

    return ready


def _exists(path: Path) -> Check:
    async def ready() -> bool:
        return path.exists()

    return ready


def _sockets(*paths: Path) -> Check:
    async def ready() -> bool:
        return all([await health.socket_answers(path) for path in paths])

    return ready


def _envoy(settings: Settings) -> Part:
    ready = partial(envoy_process.ready, settings)
    return Part("envoy", envoy_process.command(settings), ready, drain=partial(envoy_process.drain, settings))


def names(found: Sequence[Part]) -> str:
    return ", ".join(part.name for part in found)
