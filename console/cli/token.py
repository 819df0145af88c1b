"""`exeat token`: a fresh token on standard output and nothing else, for `apiKeyHelper`, cron and token callables.

Nothing is cached: each call asks the issuer, so what is printed is as fresh as it can be.
"""

from pathlib import Path

import click

from console.cli.oidc import OidcClient, Prompt, settings_of
from console.recording import signed_in
from runtime.errors import CallerError
from runtime.settings import Settings, environment


class HowUnsaid(CallerError):
    code = "how_unsaid"


@click.command()
@click.option("--as", "name", metavar="NAME", help="A person or agent of the development issuer.")
@click.option("--client-id", metavar="ID", help="Client credentials; the secret comes from a file or the environment.")
@click.option(
    "--client-secret-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with the client secret [default: environment variable EXEAT_CLIENT_SECRET].",
)
@click.option("--device", is_flag=True, help="Sign in as a person, in a browser (device flow).")
@click.option("--issuer", metavar="URL", help="The issuer [default: the one in the settings].")
@click.option("--audience", metavar="NAME", help="Audience to ask for [default: the one in the settings].")
@click.option("--scope", metavar="SCOPES", default="", help="Scopes to ask for.")
@click.pass_obj
def command(
    config: Path | None,
    name: str | None,
    client_id: str | None,
    client_secret_file: Path | None,
    device: bool,
    issuer: str | None,
    audience: str | None,
    scope: str,
) -> None:
    """Print a fresh token on standard output.

    For agents: --client-id with a secret. For people: --device. In development: --as research-agent.
    """
    if [bool(name), bool(client_id), device].count(True) != 1:
        raise HowUnsaid("say how: --client-id ID (an agent), --device (a person), or --as NAME (development issuer)")
    settings = settings_of(config)
    with OidcClient.at(issuer or (people_issuer(settings) if device else agents_issuer(settings))) as client:
        if name:
            token = client.development(name)
        elif client_id:
            secret = _secret(client_secret_file)
            token = client.client_credentials(client_id, secret, audience or _audience(settings), scope)
        else:
            wanted = audience or settings.people.audience
            token = client.device(settings.people.client_id, wanted, scope or settings.people.scope, tell)
            signed_in(settings, token)
    click.echo(token)


def agents_issuer(settings: Settings) -> str:
    """The only issuer in the settings. Raises HowUnsaid."""
    issuers = [issuer.issuer for issuer in settings.issuers]
    if len(issuers) != 1:
        raise HowUnsaid(f"the settings name {len(issuers)} issuers of agents; say which with --issuer URL")
    return issuers[0]


def people_issuer(settings: Settings) -> str:
    if settings.people.issuer is None:
        raise HowUnsaid("the settings name no issuer of people (people.issuer); say which with --issuer URL")
    return settings.people.issuer


def tell(prompt: Prompt) -> None:
    """On standard error, so that standard output stays the token's."""
    click.echo(f"Open {prompt.complete or prompt.url} and sign in; the code is {prompt.code}.", err=True)


def _audience(settings: Settings) -> str:
    return settings.issuers[0].audiences[0] if len(settings.issuers) == 1 else ""


def _secret(file: Path | None) -> str:
    secret = file.read_text("utf-8").strip() if file else environment("EXEAT_CLIENT_SECRET")
    if not secret:
        raise HowUnsaid("the client secret is missing: --client-secret-file FILE, or EXEAT_CLIENT_SECRET")
    return secret
