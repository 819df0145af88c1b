"""Settings about who comes: the listener, agents' issuers, people."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from runtime.settings.base import Section, Tls, is_loopback


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
