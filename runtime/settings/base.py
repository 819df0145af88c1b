"""What sections of settings are made of."""

import ipaddress
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runtime.errors import GatewayError


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


def is_address(host: str) -> bool:
    """An IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def split_address(address: str) -> tuple[str, int]:
    """`host:port` → (host, port); IPv6 hosts in brackets. Raises SettingsRefused."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) < 65536:
        raise SettingsRefused(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)


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
