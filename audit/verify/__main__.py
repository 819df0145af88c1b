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
        report, keys = _verify(options)
        _cosigned(options, report, keys)
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
        " have signed the newest of the checkpoints given by --witness, and all of the log with it",
    )  # fmt: skip
    parser.add_argument(
        "--uncosigned", type=int, default=0, metavar="N", help="so many of the newest entries may be without a"
        " cosignature (default: none)",
    )  # fmt: skip
    parser.add_argument(
        "--beside", action="append", default=[], type=Path, metavar="FOLDER", help="the package of a gateway that"
        " shares approvals with this one (clickhouse, package)",
    )  # fmt: skip
    parser.add_argument("--gateway", help="whose log (default: the name in the key)")
    parser.add_argument("--database", default="audit")
    parser.add_argument("--json", action="store_true")
    return parser


def _verify(options: argparse.Namespace) -> tuple[Report, Sequence[Key]]:
    """And the keys that the log was signed with, those that were followed included."""
    vkeys = [_read(Path(file)) for file in options.vkey]
    keys, where = parse_keys(vkeys), Path(options.where)
    if options.what == "package":
        keys = followed(keys, in_package(where))
        return verify_package(where, vkeys, _witnessed(options.witness, keys), options.beside), keys
    if not vkeys:
        raise CannotVerify("--vkey is needed: the file keys/log.vkey of the gateway, by a way that you trust")
    if options.what == "tiles":
        keys = followed(keys, in_tiles(where))
        return verify_tiles(where, vkeys, _witnessed(options.witness, keys)), keys
    client = connect(options.where)
    keys = followed(keys, handovers(client, options.database, options.gateway or keys[0].name))
    witnessed = _witnessed(options.witness, keys)
    database, gateway, beside = options.database, options.gateway, options.beside
    report = verify_clickhouse(
        client, vkeys, tiles=options.tiles, witnessed=witnessed, database=database, gateway=gateway, beside=beside
    )
    return report, keys


def _cosigned(options: argparse.Namespace, report: Report, keys: Sequence[Key]) -> None:
    """Each witness vouches for the whole log, whenever it did, but for what may be without."""
    kept = [(str(file), _read(file)) for file in _files(options.witness)]
    for file in options.cosigner:
        witness = Witness.parse(_read(file))
        judge(witness, kept, keys, report, size=report.confirmed_size, spare=options.uncosigned)
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
