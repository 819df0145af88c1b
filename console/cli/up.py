"""`exeat up`: every process of an installation under one supervisor."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click

from console.dev import house as dev
from console.parts import parts
from runtime import fileio, serve
from runtime.errors import GatewayError
from runtime.settings import Settings, config_path, load
from runtime.supervise import Part, Supervisor

DEV_FOLDER = Path("state") / "dev"
POLICIES = Path("policies")


class AlreadyUp(GatewayError):
    code = "already_up"


@click.command()
@click.option("--dev", "development", is_flag=True, help="Development issuer and simulated upstreams, in state/dev.")
@click.pass_obj
def command(config: Path | None, development: bool) -> None:
    """Run the gateway until stopped (Ctrl-C or SIGTERM drains it)."""
    found = config_path(config)
    with contextlib.ExitStack() as alone:
        if found is None or development:
            # before its settings are written: a second house here would move the ports of the first
            alone.enter_context(_alone_in(DEV_FOLDER))
            config, first = _development()
        else:
            config, first = found, []
        settings = load(config)
        alone.enter_context(_alone_in(settings.gateway.state_dir))
        asyncio.run(_run(settings, [*first, *parts(settings, config)]))


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Raises AlreadyUp when another `exeat up` runs from `folder`."""
    try:
        handle = fileio.exclusive(fileio.private_dir(folder) / "up.lock")
    except BlockingIOError:
        raise AlreadyUp(f"another `exeat up` runs from {folder}; stop it first, or start from another folder") from None
    try:
        yield
    finally:
        os.close(handle)


def _development() -> tuple[Path, list[Part]]:
    ports, moved = dev.choose_ports()
    for name in moved:
        say(f"port {dev.PORTS[name]} ({name}) is taken; using {ports[name]} for this run")
    house = dev.build(DEV_FOLDER, ports, POLICIES)
    say(f"development house in {DEV_FOLDER}: its issuer is {house.issuer}, its upstreams are simulated")
    return house.config, dev.dev_parts(house)


async def _run(settings: Settings, found: list[Part]) -> None:
    fileio.private_dir(settings.gateway.run_dir)
    supervisor = Supervisor(found, settings.gateway.run_dir / "logs", say)

    async def up() -> None:
        say(f"ready: agents at {settings.gateway.url}/<connection>/, people at {settings.console.url}")
        say(f"logs in {settings.gateway.run_dir / 'logs'}; Ctrl-C drains and stops")

    async with serve.stop_signal() as stop:
        await supervisor.run(stop, up)
    say("stopped")


def say(sentence: str) -> None:
    click.echo(f"exeat: {sentence}", err=True)
