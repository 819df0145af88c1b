"""The `exeat` command: one file per noun. Errors are sentences, exit 1 or 2, never a traceback."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from runtime.errors import CallerError, Error

# name → (module, attribute); loaded when used, so that `exeat token` does not wait for a store's client
COMMANDS = {
    "init": ("console.cli.init", "command"),
    "up": ("console.cli.up", "command"),
    "demo": ("console.cli.demo", "command"),
    "check": ("console.cli.check", "command"),
    "doctor": ("console.cli.doctor", "command"),
    "token": ("console.cli.token", "command"),
    "mask": ("console.cli.mask", "command"),
    "policy": ("console.cli.policy", "group"),
    "decisions": ("console.cli.decisions", "group"),
    "approvals": ("console.cli.approvals", "group"),
    "sessions": ("console.cli.sessions", "group"),
    "identity": ("console.cli.identity", "group"),
    "audit": ("console.cli.audit", "group"),
}
REMOTE = {  # with --server: over the console's API
    "approvals": ("console.cli.remote.acts", "approvals"),
    "identity": ("console.cli.remote.acts", "identity"),
    "decisions": ("console.cli.remote.record", "decisions"),
    "sessions": ("console.cli.remote.record", "sessions"),
}
SUMMARIES = {
    "init": "Write a commented exeat.toml and a starter policy repository.",
    "up": "Run the gateway until stopped.",
    "demo": "Run the main job once, end to end, and say what was seen.",
    "check": "Check the settings and print every trusted part in use.",
    "doctor": "Look at a running installation and say what to do.",
    "token": "Print a fresh token on standard output.",
    "mask": "Mask a file or standard input by a profile.",
    "policy": "Check, test and try the policy repository.",
    "decisions": "List and explain decisions.",
    "approvals": "List, show, grant, refuse and watch approvals.",
    "sessions": "List, show, replay and export recorded sessions.",
    "identity": "Stop an identity, an agent, a session or a token at once.",
    "audit": "Query, verify and migrate the evidence.",
}


class Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        server = ctx.params.get("server")
        if server and cmd_name not in REMOTE:
            raise click.UsageError(f"over --server there are {', '.join(REMOTE)}")
        module, attribute = (REMOTE if server else COMMANDS)[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Error as error:
            click.echo(error.diagnostics(), err=True)
            ctx.exit(2 if isinstance(error, CallerError) else 1)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-c", "--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file [./exeat.toml].")
@click.option("--server", metavar="URL", help="Ask this console's API instead of what is here.")
@click.option("--ca", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="CA of that console, PEM.")
@click.version_option(package_name="exeat", message="exeat %(version)s")
@click.pass_context
def main(ctx: click.Context, config: Path | None, server: str | None, ca: Path | None) -> None:
    """Exeat, the agent-egress gateway: who is asking, may they, what must not be seen, and the evidence."""
    ctx.obj = config
    if server:
        from console.cli.remote.client import META, Server

        ctx.meta[META] = Server(server, ca)


def run() -> None:
    """For `python -m console.cli`."""
    sys.exit(main())
