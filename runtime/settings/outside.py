"""Settings about what lies outside: upstream keys, where checkpoints and events go, who is notified."""

import base64
import hashlib
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from runtime.settings.base import Section, is_loopback


class Secret(Section):
    file: Path = Field(description="File with the upstream key; Envoy reads it, Python's data path never.")
    header: str = Field("authorization", pattern=r"^[A-Za-z0-9-]+$", description="Header that carries the key.")
    prefix: str = Field("", description="Text before the key in the header, e.g. `Bearer `.")
    hosts: list[str] = Field(min_length=1, description="Only connections to these hosts may use it.")
    pattern: str | None = Field(None, description="RE2 pattern of the key, so that an upstream's echo is masked.")


class CheckpointTarget(Section):
    """Where checkpoints are kept out of reach of who holds this machine."""

    kind: Literal["directory", "s3", "timestamp", "witness"] = Field(
        description="directory: another disk or mount. s3: object lock. timestamp: RFC 3161. witness: tlog-witness."
    )
    path: Path | None = Field(None, description="directory: the absolute folder.")
    endpoint: str | None = Field(
        None, description="s3, timestamp, witness: URL, e.g. https://s3.eu-central-1…; a witness's submission prefix."
    )
    witness_key: str = Field("", description="witness: its verifier key, `<name>+<id>+<base64>`, Ed25519 cosignatures.")
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
        if self.kind == "witness" and urlsplit(self.endpoint or "").scheme not in ("http", "https"):
            raise ValueError("a witness target needs an endpoint")  # plain http will do: its answers are signed, too
        if self.kind == "witness" and not _of_witness(self.witness_key):
            raise ValueError("a witness target needs witness_key: `<name>+<id>+<base64>` of an Ed25519 key of type 4")
        if self.kind == "s3":
            url = urlsplit(self.endpoint or "")
            if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname)):
                raise ValueError("an s3 target needs an https endpoint (http only on a loopback address)")
            if not (self.bucket and self.access_key_file and self.secret_key_file):
                raise ValueError("an s3 target needs bucket, access_key_file and secret_key_file")
        return self


def _of_witness(vkey: str) -> bool:
    """Whether it is a C2SP verifier key for Ed25519 cosignatures, of which the id belongs to the key."""
    try:
        name, key_id, encoded = vkey.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    expected = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    return bool(name) and len(raw) == 33 and raw[0] == 4 and key_id == expected


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
