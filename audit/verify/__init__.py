"""The verifier: recomputes from the outside what the writers claim. Shares no code with them.

Imports only the standard library, `cryptography`, `clickhouse_connect`, `orjson` if it is there, and
`runtime.errors`, so that an examiner can take this folder along. It reads rows (from ClickHouse, tiles, or an exported
package), hashes every body itself, follows each writer's chain, rebuilds the Merkle tree and compares it with signed
checkpoints.

Words: a *finding* is a place where the record is not what was signed, named by log index, writer and sequence; a
*note* is what a reader of the result must know, without being wrong.

What it proves depends on the checkpoints it is given: those kept beside the data prove that no accident changed it;
only one that was kept where nobody of the gateway's machine could change it proves the same of insiders.
"""

from audit.verify.clickhouse import connect, verify_clickhouse
from audit.verify.findings import CannotVerify, Finding, Flaw, Report
from audit.verify.notes import Checkpoint, Key, NoteRefused, open_checkpoint
from audit.verify.package import verify_package
from audit.verify.rows import Row, verify_rows
from audit.verify.tiles import Published, read_tiles, verify_tiles

__all__ = [
    "CannotVerify",
    "Checkpoint",
    "Finding",
    "Flaw",
    "Key",
    "NoteRefused",
    "Published",
    "Report",
    "Row",
    "connect",
    "open_checkpoint",
    "read_tiles",
    "verify_clickhouse",
    "verify_package",
    "verify_rows",
    "verify_tiles",
]
