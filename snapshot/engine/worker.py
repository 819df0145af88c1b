"""`python -m snapshot.engine.worker FD`: one library, one snapshot, one evaluation at a time.

Operations (header → header): parse {path, source} → {tree}; load {modules, data, warm} → {};
eval {path, coverage, trace} with the request's JSON body as payload → {defined, [coverage], [trace]} with the result
as payload; each {paths, coverage} → {values, [coverage]}; many {path, sizes} with as many inputs as payload →
{outcomes: [[kind, value or text, microseconds of CPU]]}, kind being value, undefined or that of an error.
A refusal is {error: {kind, text}}.

A thread reads the socket while the library computes (ctypes lets go of the interpreter), so that a worker whose owner
is gone ends at once, whatever it is computing.
"""

import json
import os
import queue
import resource
import socket
import sys
import threading
import time
from typing import Any, ClassVar

from runtime.errors import GatewayError
from snapshot.engine.frames import BrokenFrame, pack, plain_input, receive
from snapshot.engine.library import UNDEFINED, Library, Parser, RegoError

# The starter repository takes 60 MB. An evaluation that asks for more than this dies alone instead of taking the
# machine with it. RLIMIT_DATA counts what is writable, not what Go only reserves (getrlimit(2), since Linux 4.7).
MEMORY_BYTES = 1 << 30
Message = tuple[dict[str, Any], bytes]


class Worker:
    def __init__(self) -> None:
        self._library: Library | None = None
        self._parser: Parser | None = None

    def handle(self, header: dict[str, Any], payload: bytes) -> Message:
        try:
            return self._operations[header["op"]](self, header, payload)
        except RegoError as error:
            return {"error": {"kind": error.kind, "text": error.text}}, b""
        except GatewayError as error:
            return {"error": {"kind": error.code, "text": error.message}}, b""

    def _parse(self, header: dict[str, Any], payload: bytes) -> Message:
        self._parser = self._parser or Parser()
        return {"tree": self._parser.parse(header["path"], header["source"])}, b""

    def _load(self, header: dict[str, Any], payload: bytes) -> Message:
        """Semantic errors show at the first evaluation only, hence `warm`: the documents that will be asked for."""
        library = Library()
        for path, source in header["modules"].items():
            library.add_module(path, source)
        library.add_data(header["data"])
        for path in header["warm"]:
            try:
                library.evaluate(path, {})
            except RegoError as error:
                if error.kind != "eval_error":
                    raise
        if self._library is not None:
            self._library.close()
        self._library = library
        return {}, b""

    def _eval(self, header: dict[str, Any], payload: bytes) -> Message:
        if self._library is None:
            raise RegoError("no_snapshot", "nothing is loaded")
        coverage, trace = bool(header.get("coverage")), bool(header.get("trace"))
        plain = b"" if coverage or trace else plain_input(payload)
        if plain:
            value = self._library.evaluate_plain(header["path"], plain)
        else:
            given = json.loads(payload).get("input") if payload else None
            value = self._library.evaluate(header["path"], given, coverage=coverage, trace=trace)
        reply: dict[str, Any] = {"defined": value is not UNDEFINED}
        if coverage:
            reply["coverage"] = self._library.coverage
        if trace:
            reply["trace"] = self._library.trace
        return reply, b"" if value is UNDEFINED else json.dumps(value, ensure_ascii=False).encode()

    def _each(self, header: dict[str, Any], payload: bytes) -> Message:
        if self._library is None:
            raise RegoError("no_snapshot", "nothing is loaded")
        coverage = bool(header.get("coverage"))
        reply: dict[str, Any] = {"values": self._library.each(header["paths"], coverage=coverage)}
        if coverage:
            reply["coverage"] = self._library.coverage
        return reply, b""

    def _many(self, header: dict[str, Any], payload: bytes) -> Message:
        if self._library is None:
            raise RegoError("no_snapshot", "nothing is loaded")
        outcomes, at = [], 0
        for size in header["sizes"]:
            began = time.process_time_ns()
            kind, value = self._one(self._library, header["path"], payload[at : at + size])
            outcomes.append([kind, value, (time.process_time_ns() - began) // 1000])
            at += size
        return {"outcomes": outcomes}, b""

    def _one(self, library: Library, path: list[str], content: bytes) -> tuple[str, Any]:
        try:
            value = library.evaluate(path, json.loads(content))
        except RegoError as error:
            return error.kind, error.text
        except (ValueError, RecursionError):
            return "invalid_input", "not JSON"
        return ("undefined", None) if value is UNDEFINED else ("value", value)

    _operations: ClassVar = {"parse": _parse, "load": _load, "eval": _eval, "each": _each, "many": _many}


def main(fd: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    connection = socket.socket(fileno=fd)
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, inbox), daemon=True).start()
    worker = Worker()
    while True:
        connection.sendall(pack(*worker.handle(*inbox.get())))


def _listen(connection: socket.socket, inbox: "queue.SimpleQueue[Message]") -> None:
    reader = connection.makefile("rb", 64 << 10)
    try:
        while True:
            inbox.put(receive(reader))
    except BrokenFrame:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
