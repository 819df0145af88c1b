"""`exeat demo`: the main job once, end to end, on real parts in a temporary folder."""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

import click

from console.dev import house as dev
from console.parts import names, parts
from runtime.settings import Settings, load
from runtime.supervise import Supervisor

POLICIES = Path("policies")


@click.command()
@click.option("--keep", is_flag=True, help="Keep the folder with its spools, logs and evidence.")
def command(keep: bool) -> None:
    """Run the main job once, end to end, and say what was seen."""
    ports, moved = dev.choose_ports()
    for name in moved:
        click.echo(f"port {dev.PORTS[name]} ({name}) is taken; using {ports[name]}")
    folder = Path(tempfile.mkdtemp(prefix="exeat-demo-"))
    try:
        house = dev.build(folder, ports, POLICIES)
        asyncio.run(_play(house, load(house.config)))
    except BaseException:
        click.echo(f"The demo's files are kept: {folder} (logs in {folder}/run/logs)", err=True)
        raise
    if keep:
        click.echo(f"Kept: {folder}")
    else:
        shutil.rmtree(folder)


async def _play(house: dev.House, settings: Settings) -> None:
    from console.dev.story import Story  # the SDKs take a while to import

    found = [*dev.dev_parts(house), *parts(settings, house.config)]
    began = time.monotonic()
    click.echo(f"Exeat demo: starting {names(found)}.")
    supervisor = Supervisor(found, settings.gateway.run_dir / "logs", lambda sentence: click.echo(f"  ! {sentence}"))
    stop = asyncio.Event()

    async def tell() -> None:
        click.echo(
            f"All parts ready after {time.monotonic() - began:.1f} s. What an agent, an approver, an auditor see:"
        )
        try:
            await asyncio.to_thread(Story(house, settings).run)
        finally:
            stop.set()

    await supervisor.run(stop, tell)
    click.echo("All of it seen. Next:")
    click.echo("  make up             the same house until stopped; then, in another terminal:")
    click.echo("  .venv/bin/exeat token --as research-agent")
    click.echo("  .venv/bin/exeat init my-gateway   your own upstream and issuer, see README.md")
