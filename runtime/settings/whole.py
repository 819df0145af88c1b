"""All sections as one frozen object."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from runtime.settings.base import SettingsRefused, is_address
from runtime.settings.callers import Gateway, Issuer, People
from runtime.settings.outside import CheckpointTarget, ForwardTarget, Notifier, Secret
from runtime.settings.parts import (
    ApprovalsSettings,
    ClickHouse,
    Console,
    Engine,
    EnvoySettings,
    MaskingSettings,
    Metrics,
    Policy,
    Record,
    Shared,
    SpoolSettings,
    TracingSettings,
)


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
    shared: Shared = Shared()
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

    @field_validator("forward_targets")
    @classmethod
    def _one_cursor_each(cls, targets: list[ForwardTarget]) -> list[ForwardTarget]:
        if len({target.name for target in targets}) != len(targets):
            raise ValueError("a forward target is named twice: each would miss what the other sent")
        return targets

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

    @model_validator(mode="after")
    def _signed_somewhere(self) -> Self:
        host = urlsplit(self.console.url).hostname or ""
        if self.approvals.signature != "never" and (is_address(host) or not host):
            raise ValueError(
                "approvals.signature: browsers sign for a host name, not for an IP address: set console.public_url"
                " (on one machine http://localhost:8800)"
            )
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
