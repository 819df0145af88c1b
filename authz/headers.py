"""Request headers: what may pass, what Rego sees, what is ours to read and remove. Pure.

Headers pass by allow-list per kind; everything else that is present is removed, so a header that nobody thought of
cannot carry anything out or tell an upstream to do something that was not decided.
"""

import re
from collections.abc import Iterable, Iterator

from authz.errors import HeaderRefused

# framing and routing belong to Envoy: it sets, checks or removes these itself, and taking them away would break it
ENVOYS = frozenset({"host", "content-length", "transfer-encoding", "x-request-id", "x-forwarded-proto"})
COMMON = frozenset({"accept", "accept-language", "content-type", "content-encoding", "user-agent", "idempotency-key"})
ALLOWED = {
    "anthropic": COMMON | {"anthropic-version", "anthropic-beta", "anthropic-dangerous-direct-browser-access"},
    "openai": COMMON | {"openai-organization", "openai-project", "openai-beta", "x-client-request-id"},
    "azure_openai": COMMON | {"openai-beta", "x-client-request-id", "x-ms-client-request-id"},
    "gemini": COMMON | {"x-goog-api-client"},
    "mcp": COMMON | {"mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "last-event-id"},
    # nothing of Impersonate-*: with the gateway's credential it would make the caller anybody
    "kubernetes": COMMON | {"if-none-match"},
    "http": COMMON
    | {"content-language", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "prefer"},
}
PREFIXES = {
    "anthropic": ("x-stainless-",),
    "openai": ("x-stainless-",),
    "azure_openai": ("x-stainless-",),
    "mcp": ("mcp-param-",),  # arguments that the specification of 2026-07-28 repeats for proxies
}
# where clients put what they take for the provider's key: Anthropic's and OpenAI's, Azure's, Google's
CREDENTIALS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
# present or not: a later filter or a changed allow-list must not let them through
ALWAYS_REMOVED = (
    *CREDENTIALS,
    "cookie",
    "proxy-authorization",
    "x-exeat-session",
    "x-exeat-justification",
)
SINGLE = (
    *CREDENTIALS, "content-type", "content-encoding", "content-length", "host",
    "x-exeat-session", "x-exeat-justification", "mcp-session-id", "mcp-protocol-version", "last-event-id",
    "idempotency-key",
)  # fmt: skip
REQUEST_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PATIENCE = ("x-stainless-timeout", "x-stainless-read-timeout")
SECONDS = re.compile(rb"[0-9]{1,6}(\.[0-9]{1,6})?")
MAX_SESSION = 128
MAX_JUSTIFICATION = 500  # the verdict carries it, and holds 2 KB in all


class Headers:
    """All headers of a request, by lower-case name, in order."""

    def __init__(self, pairs: Iterable[tuple[str, bytes]]) -> None:
        self._values: dict[str, list[bytes]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def all(self, name: str) -> list[bytes]:
        return self._values.get(name, [])

    def one(self, name: str) -> str:
        """The value of a header that may be there once, "" when absent. Raises HeaderRefused."""
        values = self.all(name)
        if len(values) > 1:
            raise HeaderRefused(f"The header {name} is there more than once.")
        return text(name, values[0]) if values else ""

    def check(self) -> None:
        """Raises HeaderRefused for one that is there twice although it has one meaning only."""
        for name in SINGLE:
            if len(self.all(name)) > 1:
                raise HeaderRefused(f"The header {name} is there more than once.")


def text(name: str, value: bytes) -> str:
    """Printable ASCII (RFC 9110 §5.5 leaves the rest to guesswork). Raises HeaderRefused; `name` is one of ours."""
    try:
        decoded = value.decode("ascii").replace("\t", " ").strip()
    except UnicodeDecodeError:
        decoded = "\0"
    if not decoded.isprintable():
        raise HeaderRefused(f"The header {name} holds more than printable ASCII.")
    return decoded


def request_id(pairs: Iterable[tuple[str, bytes]]) -> str:
    """The id that Envoy gave the request (a caller's own was removed before); "" for anything that is no UUID."""
    found = next((value for name, value in pairs if name == "x-request-id"), b"")
    return found.decode() if REQUEST_ID.fullmatch(found) else ""


def passing(headers: Headers, kind: str) -> list[str]:
    """Names of the headers that go on to an upstream of this kind (Envoy's own framing beside)."""
    allowed, prefixes = ALLOWED[kind], PREFIXES.get(kind, ())
    return [name for name in headers if name in allowed or name.startswith(prefixes)]


def removed(headers: Headers, kind: str) -> list[str]:
    """What Envoy is told to take away before anyone else sees the request."""
    kept = {*passing(headers, kind), *ENVOYS}
    return sorted({name for name in headers if name not in kept} | set(ALWAYS_REMOVED))


def shown(headers: Headers, kind: str) -> list[tuple[str, bytes]]:
    """What Rego may see: exactly what passes, as text. Raises HeaderRefused."""
    names = passing(headers, kind)
    return [(name, text("of this name", value).encode()) for name in names for value in headers.all(name)]


def session_key(headers: Headers) -> str:
    """`x-exeat-session`: any short token of the caller's choice. Raises HeaderRefused."""
    return _bounded(headers.one("x-exeat-session"), "x-exeat-session", MAX_SESSION)


def mcp_session(headers: Headers) -> str:
    return _bounded(headers.one("mcp-session-id"), "mcp-session-id", MAX_SESSION)


def patience(headers: Headers) -> int:
    """Whole seconds that the caller's SDK waits for an answer, as it says; 0 if it does not. Only ever a hint."""
    told = [value for name in PATIENCE for value in headers.all(name) if SECONDS.fullmatch(value)]
    return min((int(float(value)) for value in told), default=0)


def justification(headers: Headers) -> str:
    """`x-exeat-justification`: one line of UTF-8, untrusted. Raises HeaderRefused."""
    values = headers.all("x-exeat-justification")
    if not values:
        return ""
    try:
        line = values[0].decode("utf-8").strip()
    except UnicodeDecodeError:
        raise HeaderRefused("The header x-exeat-justification is not UTF-8.") from None
    if not line.isprintable():
        raise HeaderRefused("The header x-exeat-justification is not one printable line.")
    return _bounded(line, "x-exeat-justification", MAX_JUSTIFICATION)


def _bounded(value: str, name: str, most: int) -> str:
    if len(value) > most:
        raise HeaderRefused(f"The header {name} is longer than {most} characters.")
    return value
