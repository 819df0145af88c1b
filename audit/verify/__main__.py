"""`python -m audit.verify clickhouse|tiles|package …`: the verifier without the rest of Exeat.

Exit codes: 0 the record is what was signed, 1 it is not, 2 it could not be verified.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from audit.verify.clickhouse import connect, handovers, verify_clickhouse
from audit.verify.cosignature import Witness, judge
from audit.verify.findings import CannotVerify, Report
from audit.verify.handover import followed, in_package, in_tiles
from audit.verify.notes import Checkpoint, Key, NoteRefused, open_checkpoint, parse_keys
from audit.verify.package import verify_package
from audit.verify.tiles import verify_tiles


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        report = _verify(options)
        _cosigned(options, report)
    except CannotVerify as error:
        print(error.diagnostics(), file=sys.stderr)
        return 2
    print(json.dumps(report.as_dict(), indent=2) if options.json else "\n".join(report.lines()))
    return 0 if report.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit.verify", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=["clickhouse", "tiles", "package"])
    parser.add_argument("where", help="http://user:password@host:port, or a folder")
    parser.add_argument("--vkey", action="append", default=[], metavar="FILE", help="the log's verifier key")
    parser.add_argument("--tiles", type=Path, help="the published log, to name each flaw exactly (clickhouse)")
    parser.add_argument(
        "--witness", action="append", default=[], type=Path, help="a checkpoint kept elsewhere, or a folder of them"
    )
    parser.add_argument(
        "--cosigner", action="append", default=[], type=Path, metavar="FILE", help="verifier key of a witness that must"
        " have signed the checkpoints given by --witness, too",
    )  # fmt: skip
    parser.add_argument(
        "--beside", action="append", default=[], type=Path, metavar="FOLDER", help="the package of a gateway that"
        " shares approvals with this one (clickhouse, package)",
    )  # fmt: skip
    parser.add_argument("--gateway", help="whose log (default: the name in the key)")
    parser.add_argument("--database", default="audit")
    parser.add_argument("--json", action="store_true")
    return parser


def _verify(options: argparse.Namespace) -> Report:
    vkeys = [_read(Path(file)) for file in options.vkey]
    keys, where = parse_keys(vkeys), Path(options.where)
    if options.what == "package":
        witnessed = _witnessed(options.witness, followed(keys, in_package(where)))
        return verify_package(where, vkeys, witnessed, options.beside)
    if not vkeys:
        raise CannotVerify("--vkey is needed: the file keys/log.vkey of the gateway, by a way that you trust")
    if options.what == "tiles":
        return verify_tiles(where, vkeys, _witnessed(options.witness, followed(keys, in_tiles(where))))
    client = connect(options.where)
    newer = handovers(client, options.database, options.gateway or keys[0].name)
    witnessed = _witnessed(options.witness, followed(keys, newer))
    database, gateway, beside = options.database, options.gateway, options.beside
    return verify_clickhouse(
        client, vkeys, tiles=options.tiles, witnessed=witnessed, database=database, gateway=gateway, beside=beside
    )


def _cosigned(options: argparse.Namespace, report: Report) -> None:
    """Every checkpoint that was kept elsewhere has the line of each witness; a witness without any is missing."""
    where = Path(options.where)
    more = in_package(where) if options.what == "package" else in_tiles(where) if options.what == "tiles" else ()
    keys = followed(parse_keys([_read(Path(file)) for file in options.vkey]), more)
    kept = [(str(file), _read(file)) for file in _files(options.witness)]
    for file in options.cosigner:
        witness = Witness.parse(_read(file))
        judge(witness, kept, keys, report, size=report.confirmed_size, began=-1, now=0, patience=0)  # whatever its age
    report.sort()


def _files(given: Sequence[Path]) -> list[Path]:
    """Files as they are, of folders the checkpoints in them, wherever."""
    found = [part for path in given for part in (sorted(path.rglob("[0-9]*")) if path.is_dir() else [path])]
    return [path for path in found if not path.is_dir()]


def _witnessed(files: Sequence[Path], keys: Sequence[Key]) -> list[Checkpoint]:
    found = []
    for file in _files(files):
        try:
            found.append(open_checkpoint(_read(file), keys, f"the off-box checkpoint {file.name}"))
        except NoteRefused as error:
            raise CannotVerify(f"{file}: {error}") from None
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise CannotVerify(f"{file} cannot be read") from None


if __name__ == "__main__":
    sys.exit(main())
