"""`exeat mask`: what would the gateway make of this? The same library, the same rules, on a file or standard input."""

import difflib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import click

from console.cli.streams import DIALECTS, accumulated, events
from console.guessing import guess
from masking import Finding, Keys, Masker, Ruleset
from runtime.errors import CallerError
from runtime.settings import config_path, load


class MaskRefused(CallerError):
    code = "mask_refused"


@click.command()
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--profile", "profiles", multiple=True, help="On top of the floor, as in the gateway; may be repeated.")
@click.option("--alone", is_flag=True, help="Only the profiles named, without the floor.")
@click.option(
    "--rules", type=click.Path(path_type=Path, dir_okay=False), help="masking.yaml [the policy repository's]."
)
@click.option("--media", help="Media type [by the file's name, else JSON if it is, else text].")
@click.option("--stream-as", type=click.Choice(DIALECTS), help="Send the text as an API's stream in small deltas.")
@click.option("--connection", default="", help="Name of a connection, for rules that are about some only.")
@click.option("--direction", type=click.Choice(["request", "response"]), default="response", show_default=True)
@click.option("--bulk", is_flag=True, help="JSON Lines in and out: each line a text, or {id, text, media}.")
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output: {masked, findings}.")
@click.pass_obj
def command(
    config: Path | None,
    file: BinaryIO,
    profiles: Sequence[str],
    alone: bool,
    rules: Path | None,
    media: str | None,
    stream_as: str | None,
    connection: str,
    direction: str,
    bulk: bool,
    as_json: bool,
) -> None:
    """Mask FILE (or standard input) as the gateway would: by the floor and the profiles named, and the patterns of its
    own secrets. Tokens are made with keys of this run alone."""
    ruleset, floor = _ruleset(config, rules)
    chosen = _chosen(ruleset, floor, profiles, alone)
    masker = ruleset.masker(chosen, keys=Keys.generate(), connection=connection, direction=direction)
    if bulk:
        for line in _lines(file):
            click.echo(json.dumps(_one(masker, line, media, stream_as), ensure_ascii=False))
        return
    data = file.read()
    masked, findings = _mask(masker, data, media or guess(getattr(file, "name", ""), data), stream_as)
    if as_json:
        click.echo(json.dumps(_result(masked, findings) | {"profiles": chosen}, ensure_ascii=False))
    else:
        _show(data, masked, findings)
        click.echo(f"profiles: {', '.join(chosen)}", err=True)


def _chosen(ruleset: Ruleset, floor: str, profiles: Sequence[str], alone: bool) -> list[str]:
    """The floor and what is named. Rules of one's own (`--rules`) need not have a floor."""
    if alone and not profiles:
        raise MaskRefused("--alone needs a --profile")
    beneath = [floor] if not alone and (floor in ruleset.profiles or not profiles) else []
    return list(dict.fromkeys([*beneath, *profiles]))


def _ruleset(config: Path | None, rules: Path | None) -> tuple[Ruleset, str]:
    """The rules, and what the floor is called. The patterns of secrets come with the policy repository's rules."""
    floor, patterns = "floor", {}
    if rules is None:
        settings = load(config_path(config))
        rules, floor = settings.policy.path / "data" / "masking.yaml", settings.masking.floor
        patterns = {name: secret.pattern for name, secret in settings.secrets.items() if secret.pattern}
    try:
        return Ruleset.parse(rules.read_text("utf-8"), str(rules), secrets=patterns), floor
    except OSError as error:
        raise MaskRefused(f"{rules}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MaskRefused(f"{rules}: not UTF-8") from None


def _mask(masker: Masker, data: bytes, media: str, stream_as: str | None) -> tuple[bytes, Sequence[Finding]]:
    if stream_as is None:
        whole = masker.body(media, data, complete=True)
        return whole.data, whole.findings
    stream = masker.stream("text/event-stream")
    out = b"".join([stream.feed(event) for event in events(stream_as, data.decode("utf-8", "replace"))])
    out += stream.finish()
    return accumulated(stream_as, out).encode(), stream.take_findings()


def _lines(file: BinaryIO) -> Iterator[Any]:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                raise MaskRefused(f"line {number} is not JSON, or nested too deeply") from None
            if isinstance(entry, dict) and "text" not in entry:
                raise MaskRefused(f"line {number} has no text")
            yield entry


def _one(masker: Masker, line: Any, media: str | None, stream_as: str | None) -> dict[str, Any]:
    entry = line if isinstance(line, dict) else {"text": line}
    text = entry.get("text")
    data = (text if isinstance(text, str) else json.dumps(text)).encode("utf-8", "surrogatepass")
    chosen = media or entry.get("media") or ("text/plain" if isinstance(text, str) else "application/json")
    masked, findings = _mask(masker, data, str(chosen), stream_as)
    return ({"id": entry["id"]} if "id" in entry else {}) | _result(masked, findings)


def _result(masked: bytes, findings: Sequence[Finding]) -> dict[str, Any]:
    return {"masked": masked.decode("utf-8", "replace"), "findings": [asdict(finding) for finding in findings]}


def _show(data: bytes, masked: bytes, findings: Sequence[Finding]) -> None:
    """On a terminal a coloured difference; in a pipe the masked bytes alone, so that it can be used as a filter."""
    if sys.stdout.isatty():
        before, after = (text.decode("utf-8", "replace").splitlines() for text in (data, masked))
        for line in difflib.ndiff(before, after):
            if line[0] in " +-":
                click.secho(line, fg={"+": "green", "-": "red"}.get(line[0]))
    else:
        sys.stdout.buffer.write(masked)
        sys.stdout.buffer.flush()
    for finding in findings:
        row = f"{finding.rule:<20} {finding.operator:<10} {finding.count:>4}  {finding.where}"
        click.secho(row, fg="yellow", err=True)
    if not findings:
        click.echo("nothing found", err=True)
