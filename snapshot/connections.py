"""`data/connections.yaml`: the upstreams that agents may be let out to, each by a name.

    anthropic: {kind: anthropic, upstream: "https://api.anthropic.com", credential: anthropic, risk: standard}
    ledger:
      kind: http
      upstream: https://ledger.internal/api
      credential: ledger
      risk: high
      addresses: private                  # its host is one of the house; default: public ones alone
      sql_fields: ["$.query"]
      sql_dialect: postgres               # default: whatever all dialects agree on
      rows: ["$.accounts"]                # the lists whose length counts as records that left the upstream
      rows_asked: ["$.limit", "?limit"]   # where a request says how many it wants: in its JSON body, in its query
      uninspectable: {pass: [image/*]}    # default: refuse
    tickets: {kind: mcp, upstream: "https://tickets.internal/mcp", server_requests: [elicitation/create]}

An agent reaches it at `/<name>/…` of the gateway. `kind` lists only what is described and masked today.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from runtime.settings import is_loopback
from snapshot.located import Located, read
from snapshot.ranges import forbidden

KINDS = ("anthropic", "openai", "azure_openai", "gemini", "mcp", "kubernetes", "http")
# known and refused: to describe the request and not read the answer would be worse than a clear no
UNSUPPORTED = {
    "bedrock": "its answers are AWS event streams, which are not masked, and its requests are signed by the caller",
    "vertex": "nobody renews its hourly tokens here, and the answers of its other models are not masked",
}
# hosts of those, so that `kind: http` does not let their models be used undescribed
UNSUPPORTED_HOSTS = re.compile(
    r"bedrock[a-z-]*\.[a-z0-9.-]*amazonaws\.com(?:\.cn)?|bedrock-mantle\.[a-z0-9.-]+|(?:[a-z0-9-]+-)?aiplatform\.googleapis\.com"
)
DIALECTS = (
    "postgres", "mysql", "tsql", "oracle", "sqlite", "snowflake", "bigquery", "databricks", "redshift",
)  # fmt: skip
RISKS = ("low", "standard", "high", "critical")
KEYS = (
    "kind",
    "upstream",
    "credential",
    "risk",
    "mode",
    "addresses",
    "sql_fields",
    "sql_dialect",
    "server_requests",
    "rows",
    "rows_asked",
    "uninspectable",
)
MODES = ("enforce", "shadow")
ADDRESSES = ("public", "private")
RESERVED = {"exeat"}  # paths of our own, should the gateway ever answer one itself

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")  # a path segment, a cluster name, a column of the evidence
SECRET = re.compile(r"[a-z0-9_-]{1,40}")
HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63})*")
PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")
METHOD = re.compile(r"[a-z][A-Za-z]*(?:/[a-z][A-Za-z]*)*")  # sampling/createMessage
FIELD = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_-]*|\[(?:\*|[0-9]{1,4})\])+")  # a JSONPath of names and indexes
ROWS = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_-]*|\[(?:\*|[0-9]{1,4})\])*")  # the same, or the document itself
QUERY = re.compile(r"\?[A-Za-z_][A-Za-z0-9_.-]{0,79}")  # a field of the query string
MAX_PATHS = 16
MEDIA = re.compile(r"[a-z]+/(?:\*|[a-z0-9][a-z0-9.+-]{0,80})")
INSPECTED = ("text/", "application/json", "application/x-ndjson")  # never passed unread: masking reads them


class SecretHosts(Protocol):
    """What is needed of a `[secrets.*]` setting: where it may be sent."""

    @property
    def hosts(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Connection:
    """A named upstream. `credential` names a secret of the settings, "" for none; `line` is where it is declared."""

    name: str
    kind: str
    upstream: str
    credential: str = ""
    risk: str = "standard"
    sql_fields: tuple[str, ...] = ()
    sql_dialect: str = ""  # "": what all dialects agree on
    server_requests: tuple[str, ...] = ()  # what an MCP server may ask of its client
    rows: tuple[str, ...] = ()  # paths of lists in its answers
    rows_asked: tuple[str, ...] = ()  # paths in the body, `?name` for a field of the query
    uninspectable: tuple[str, ...] = ()  # media types that may pass unread; empty: refuse
    private: bool = False  # its host may lead to addresses of the house
    mode: str = "enforce"  # or shadow: what would be denied or held is let out and recorded so
    line: int = field(default=0, compare=False)

    def passes(self, media: str) -> bool:
        """Whether a body of this media type, which masking cannot read, may go by unread."""
        essence = media.partition(";")[0].strip().lower()
        return any(
            essence == passed or (passed.endswith("/*") and essence.startswith(passed[:-1]))
            for passed in self.uninspectable
        )


def parse_connections(
    text: str, filename: str, secrets: Mapping[str, SecretHosts] | None = None
) -> dict[str, Connection]:
    """Reads the file; with `secrets` (settings.secrets) also checks each credential against its `hosts`.

    Raises RepositoryRefused with file:line.
    """
    entries = read(text, filename).mapping("the file", None)
    connections = {name: _connection(name, item) for name, item in entries.items()}
    if secrets is not None:
        for name, connection in connections.items():
            _check_credential(connection, entries[name], secrets)
    return connections


def _connection(name: str, item: Located) -> Connection:
    if not NAME.fullmatch(name) or name in RESERVED:
        raise item.refuse(f"`{name}` cannot name a connection: lower case letters, digits and dashes, at most 40")
    values = item.mapping(f"connection `{name}`", KEYS)
    for key in ("kind", "upstream"):
        if key not in values:
            raise item.refuse(f"connection `{name}` has no `{key}`")
    credential = values["credential"].text("credential") if "credential" in values else ""
    if credential and not SECRET.fullmatch(credential):
        raise values["credential"].refuse("credential is not the name of a secret (`[secrets.NAME]` in exeat.toml)")
    kind = _kind(values["kind"])
    if "server_requests" in values and kind != "mcp":
        raise values["server_requests"].refuse("server_requests is for connections of kind mcp")
    private = "addresses" in values and values["addresses"].choice("addresses", ADDRESSES) == "private"
    return Connection(
        name=name,
        kind=kind,
        upstream=_upstream(values["upstream"], private),
        private=private,
        credential=credential,
        risk=values["risk"].choice("risk", RISKS) if "risk" in values else "standard",
        sql_fields=_paths(values, "sql_fields", (FIELD,), "a path such as $.query or $.batch[*].sql"),
        sql_dialect=values["sql_dialect"].choice("sql_dialect", DIALECTS) if "sql_dialect" in values else "",
        server_requests=_methods(values["server_requests"]) if "server_requests" in values else (),
        rows=_paths(values, "rows", (ROWS,), "a path such as $.items, or $ for a list"),
        rows_asked=_paths(values, "rows_asked", (FIELD, QUERY), "a path such as $.limit, or ?limit for the query"),
        uninspectable=_passed(values["uninspectable"]) if "uninspectable" in values else (),
        mode=values["mode"].choice("mode", MODES) if "mode" in values else "enforce",
        line=item.line,
    )


def _kind(item: Located) -> str:
    if isinstance(item.value, str) and item.value in UNSUPPORTED:
        raise item.refuse(f"kind {item.value} is not supported: {UNSUPPORTED[item.value]}")
    return item.choice("kind", KINDS)


def _upstream(item: Located, private: bool) -> str:
    """An origin with an optional path. No query, no user, https, and http on this machine alone."""
    text = item.text("upstream")
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError:
        raise item.refuse("upstream is not a URL") from None
    if url.scheme not in ("https", "http") or not host:
        raise item.refuse("upstream is not an https URL with a host")
    if url.scheme == "http" and not is_loopback(host):
        raise item.refuse("upstream must be https; plain http is for this machine's loopback addresses")
    if url.username is not None or url.password is not None:
        raise item.refuse("upstream carries a user or password: use `credential`")
    if "?" in text or "#" in text or not PATH.fullmatch(url.path) or ".." in url.path.split("/"):
        raise item.refuse("upstream has more than an origin and a plain path")
    if port == 0 or not _host_is_plain(host):
        raise item.refuse("upstream's host or port cannot be one")
    why = "" if is_loopback(host) or not _is_address(host) else forbidden(host, private)
    if why:
        raise item.refuse(f"upstream is {why}")
    if UNSUPPORTED_HOSTS.fullmatch(host):
        raise item.refuse(f"upstream {host} serves models that are not supported under any kind")
    return text.rstrip("/")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _host_is_plain(host: str) -> bool:
    """A DNS name or an address; never a link-local one, where clouds serve their machine credentials."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return HOST.fullmatch(host) is not None and not host.replace(".", "").isdigit()
    return not (address.is_link_local or address.is_unspecified or address.is_multicast)


def _paths(values: Mapping[str, Located], key: str, forms: Sequence[re.Pattern[str]], form: str) -> tuple[str, ...]:
    """`form`: what an entry should be, for the complaint."""
    entries = values[key].items(key) if key in values else []
    if len(entries) > MAX_PATHS:
        raise values[key].refuse(f"{key} has more than {MAX_PATHS} entries")
    paths = []
    for entry in entries:
        path = entry.text(f"a field of {key}")
        if not any(pattern.fullmatch(path) for pattern in forms):
            raise entry.refuse(f"a field of {key} is not {form}")
        paths.append(path)
    return tuple(paths)


def _methods(item: Located) -> tuple[str, ...]:
    """Methods of JSON-RPC that an MCP server may call on its client."""
    methods = []
    for entry in item.items("server_requests"):
        method = entry.text("a method of server_requests")
        if not METHOD.fullmatch(method):
            raise entry.refuse("server_requests lists methods such as sampling/createMessage or elicitation/create")
        methods.append(method)
    return tuple(methods)


def _passed(item: Located) -> tuple[str, ...]:
    """`refuse`, or `{pass: [image/*, …]}`."""
    if item.value == "refuse":
        return ()
    if not isinstance(item.value, dict):
        raise item.refuse("uninspectable is neither `refuse` nor `{pass: [image/*]}`")
    entries = item.mapping("uninspectable", ["pass"])
    media = []
    for entry in entries["pass"].items("uninspectable.pass") if "pass" in entries else []:
        name = entry.text("a type of uninspectable.pass")
        if not MEDIA.fullmatch(name):
            raise entry.refuse("uninspectable.pass lists media types such as image/* or application/pdf")
        if name.startswith(INSPECTED) or name == "application/*":
            raise entry.refuse(f"{name} is inspected, it cannot be passed unread")
        media.append(name)
    return tuple(media)


def _check_credential(connection: Connection, item: Located, secrets: Mapping[str, SecretHosts]) -> None:
    if not connection.credential:
        return
    secret = secrets.get(connection.credential)
    if secret is None:
        raise item.refuse(
            f"connection `{connection.name}`: there is no [secrets.{connection.credential}] in exeat.toml"
        )
    url = urlsplit(connection.upstream)
    wanted = {url.hostname, url.netloc.lower()}
    if wanted.isdisjoint(host.lower() for host in secret.hosts):
        raise item.refuse(
            f"connection `{connection.name}`: secret `{connection.credential}` may not be sent to {url.hostname}"
        )
