"""OPA's Go library, in this process. Only a worker imports this: see the package's docstring.

Builtin errors are strict: they end the evaluation with an error, they do not become undefined.
"""

import json
from typing import Any

from runtime.errors import GatewayError

PACKAGE = "opa-golib-python-bindings==0.4.4"
INSTALL = f"pip install --no-deps --ignore-requires-python {PACKAGE}"


class LibraryMissing(GatewayError):
    code = "engine_library_missing"


class RegoError(GatewayError):
    """What OPA refused or failed at. `kind`: parse_error, prepare_error, eval_error, …; `text` may quote content."""

    code = "rego_error"

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind} in the engine")
        self.kind = kind
        self.text = text


UNDEFINED = object()


class Library:
    """One engine: modules and data are added, then documents are asked for. Nothing can be taken out again."""

    def __init__(self) -> None:
        try:
            from opa_bindings import OpaEngine, OpaError, OpaUndefinedError
        except ImportError:
            raise LibraryMissing(f"the embedded engine's library is not installed; run: {INSTALL}") from None
        except OSError:
            raise LibraryMissing(
                "the embedded engine's library does not load here (it needs glibc 2.34 or newer, x86-64 or aarch64);"
                " set engine.url to an OPA server and engine.embedded = false"
            ) from None
        self._error, self._undefined = OpaError, OpaUndefinedError
        self._engine = OpaEngine()
        # a policy's print() would put content into a log
        self._engine.print_handler = lambda message, location: None

    def close(self) -> None:
        self._engine.close()

    def add_module(self, path: str, source: str) -> None:
        """Raises RegoError(parse_error)."""
        self._call(self._engine.add_policy, path, source)

    def add_data(self, value: dict[str, Any]) -> None:
        self._call(self._engine.add_data, value)

    def evaluate(self, path: list[str], given: Any = None, *, coverage: bool = False, trace: bool = False) -> Any:
        """The value of `data.<path>` for this input (None: no input), or UNDEFINED. Raises RegoError."""
        try:
            rows = self._engine.eval_query(query(path), given, coverage=coverage, trace=trace)
        except self._undefined:
            return UNDEFINED
        except self._error as error:
            raise RegoError(error.code, error.message) from None
        except RecursionError:
            raise RegoError("invalid_input", "the input is nested too deep") from None
        return rows[0]["value"] if rows else UNDEFINED

    def parse(self, path: str, source: str) -> dict[str, Any]:
        """The module's syntax tree as OPA prints it. Raises RegoError(parse_error)."""
        self.add_module(path, source)
        reader = Library()
        try:
            reader.add_module("reader.rego", "package reader\ntree := rego.parse_module(input.path, input.source)\n")
            tree: dict[str, Any] = reader.evaluate(["reader", "tree"], {"path": path, "source": source})
            return tree
        finally:
            reader.close()

    @property
    def coverage(self) -> dict[str, Any] | None:
        """Of the last evaluation that asked for it."""
        report: dict[str, Any] | None = self._engine.last_coverage
        return report

    @property
    def trace(self) -> list[dict[str, Any]] | None:
        steps: list[dict[str, Any]] | None = self._engine.last_trace
        return steps

    def _call(self, function: Any, *arguments: Any) -> None:
        try:
            function(*arguments)
        except self._error as error:
            raise RegoError(error.code, error.message) from None


def query(path: list[str]) -> str:
    """The Rego query for a document's path; every step is quoted, so a path cannot be more than a path."""
    steps = "".join(f"[{step}]" if _is_index(step) else f"[{json.dumps(step)}]" for step in path)
    return f"value := data{steps}"


def _is_index(step: str) -> bool:
    """OPA reads a step of digits as a number (server.go, stringPathToRef)."""
    return step.isascii() and step.removeprefix("-").isdigit() and -(2**63) <= int(step) < 2**63
