"""One with every right on the store's files: the engine itself, without our grants, in a process of its own.

`Insider.copy()` makes a database like `audit` to tamper with, so that one engine serves many tests. The verifier runs
beside the engine, through clickhouse-connect's own chDB connection, and its report comes back as plain data.
Run as a script it is the process: one JSON request a line on standard input, one JSON answer a line back.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLES = ("events", "frames", "checkpoints")


@dataclass
class Insider:
    state: Path
    process: "subprocess.Popen[str]"
    copies: int = 0

    def sql(self, *statements: str) -> list[Any]:
        """Runs statements; rows of the last one."""
        return self._call({"sql": list(statements)})

    def verify(self, database: str, *, tiles: bool = True, witness: str = "") -> dict[str, Any]:
        tiles_folder = str(self.state / "log" / "tiles") if tiles else ""
        vkey = (self.state / "keys" / "log.vkey").read_text()
        return self._call({"verify": database, "tiles": tiles_folder, "vkey": vkey, "witness": witness})

    def copy(self) -> str:
        self.copies += 1
        name = f"copy{self.copies}"
        self.sql(f"CREATE DATABASE {name}")
        for table in TABLES:
            self.sql(
                f"CREATE TABLE {name}.{table} AS audit.{table}",
                f"INSERT INTO {name}.{table} SELECT * FROM audit.{table}",
            )
        return name

    def _call(self, request: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["answer"]


@contextlib.contextmanager
def insider(state: Path) -> Iterator[Insider]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.kit.insider", str(state / "store" / "data")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
    with process:
        try:
            yield Insider(state, process)
        finally:
            process.kill()


def serve(path: str) -> None:
    import clickhouse_connect

    client = clickhouse_connect.get_client(interface="chdb", path=path)
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = {"answer": _answer(client, json.loads(line))}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def _answer(client: Any, request: dict[str, Any]) -> Any:
    from audit.verify import Key, open_checkpoint, verify_clickhouse

    if "sql" in request:
        *first, last = request["sql"]
        for statement in first:
            client.command(statement)
        if last.lstrip().upper().startswith("SELECT"):
            return [list(row) for row in client.query(last).result_rows]
        client.command(last)
        return []
    keys = [Key.parse(request["vkey"])]
    witnessed = [open_checkpoint(request["witness"], keys, "kept elsewhere")] if request["witness"] else []
    tiles = Path(request["tiles"]) if request["tiles"] else None
    report = verify_clickhouse(client, [request["vkey"]], tiles=tiles, witnessed=witnessed, database=request["verify"])
    return report.as_dict()


if __name__ == "__main__":
    serve(sys.argv[1])
