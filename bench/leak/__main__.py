"""Prints the leaked bytes of each format.    python -m bench.leak [--effort small|quick|long] [--format NAME]… [--json]

Exit 0: nothing leaked, and every splitting gave what the whole gives. 1: something leaked or differed. 2: the score
is blind, for it does not see secrets that pass without the gateway.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict

from bench.leak.cuts import LONG, QUICK, SMALL
from bench.leak.run import Score, control, place, through

EFFORTS = {"small": SMALL, "quick": QUICK, "long": LONG}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.leak", description=__doc__)
    parser.add_argument("--effort", choices=EFFORTS, default="quick")
    parser.add_argument("--format", action="append", default=[], help="only formats with this in their name")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    return asyncio.run(_scored(given.effort, given.format, given.json))


async def _scored(effort: str, wanted: list[str], as_json: bool) -> int:
    async with place() as at:
        blind = [f"{each.format}: {', '.join(each.odd)}" async for each in control(at, wanted) if each.odd]
        if blind:
            print("The score does not see what passes without the gateway:", *blind, sep="\n  ", file=sys.stderr)
            return 2
        scores = []
        async for found in through(at, EFFORTS[effort], wanted):
            scores.append(found)
            if not as_json:
                print(_line(found), flush=True)
        failed = at.raw.failed
    bad = [found for found in scores if found.bytes or found.odd]
    if as_json:
        print(json.dumps([asdict(found) | {"bytes": found.bytes} for found in scores], indent=1))
    else:
        cases, leaked = sum(found.cases for found in scores), sum(found.bytes for found in scores)
        print(f"{cases} splittings of {len(scores)} formats, {leaked} bytes leaked")
    if failed:
        print("the upstream failed:", *failed[:3], file=sys.stderr)
    return 1 if bad or failed or not scores else 0


def _line(found: Score) -> str:
    told = f"{found.format:32} {found.cases:6} splittings {found.bytes:8} bytes leaked"
    if found.bytes:
        told += f": {', '.join(f'{name} {size}' for name, size in found.leaked.items())} ({found.where})"
    if found.odd:
        told += f"; {len(found.odd)} gave another text than the whole: {found.odd[0]}"
    return told


if __name__ == "__main__":
    sys.exit(main())
