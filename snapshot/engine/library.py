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
READER = "package reader\ntree := rego.parse_module(input.path, input.source)\n"


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

    def each(self, paths: list[list[str]], *, coverage: bool = False) -> list[list[Any]]:
        """Of several documents without input: [value], or [] for an undefined one. Raises RegoError if one fails.

        One query, because the library compiles everything anew for each one that it has not seen.
        """
        parts = ", ".join(f"[x | x := {reference(path)}]" for path in paths)
        values: list[list[Any]] = self._ask(f"value := [{parts}]", None, coverage, False)
        return values

    def evaluate(self, path: list[str], given: Any = None, *, coverage: bool = False, trace: bool = False) -> Any:
        """The value of `data.<path>` for this input (None: no input), or UNDEFINED. Raises RegoError."""
        return self._ask(f"value := {reference(path)}", given, coverage, trace)

    def evaluate_plain(self, path: list[str], given: bytes) -> Any:
        """The same for an input that is JSON already (`frames.plain_input`).

        Their own way would have it as objects, to write it as JSON again. Raises RegoError.
        """
        engine = self._engine
        try:
            answer = engine._call(engine._lib.OpaEvalQuery, f"value := {reference(path)}".encode(), given, 0, 0)
        except self._error as error:
            raise RegoError(error.code, error.message) from None
        rows = answer.get("result")
        return rows[0]["bindings"]["value"] if rows else UNDEFINED

    def _ask(self, query: str, given: Any, coverage: bool, trace: bool) -> Any:
        try:
            rows = self._engine.eval_query(query, given, coverage=coverage, trace=trace)
        except self._undefined:
            return UNDEFINED
        except self._error as error:
            raise RegoError(error.code, error.message) from None
        except RecursionError:
            raise RegoError("invalid_input", "the input is nested too deep") from None
        return rows[0]["value"] if rows else UNDEFINED

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


def reference(path: list[str]) -> str:
    """A document's path in Rego; every step is quoted, so a path cannot be more than a path."""
    return "data" + "".join(f"[{step}]" if _is_index(step) else f"[{json.dumps(step)}]" for step in path)


def _is_index(step: str) -> bool:
    """OPA reads a step of digits as a number (server.go, stringPathToRef)."""
    return step.isascii() and step.removeprefix("-").isdigit() and -(2**63) <= int(step) < 2**63


class Parser:
    """Syntax trees as OPA prints them, one module at a time."""

    def __init__(self) -> None:
        self._checker = Library()  # only ever given modules: its messages name the module's own file and line
        self._reader = Library()
        self._reader.add_module("reader.rego", READER)

    def parse(self, path: str, source: str) -> dict[str, Any]:
        """Raises RegoError(parse_error)."""
        self._checker.add_module(path, source)
        tree: dict[str, Any] = self._reader.evaluate(["reader", "tree"], {"path": path, "source": source})
        return tree
