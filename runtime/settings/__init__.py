"""Static settings: `exeat.toml` plus `EXEAT_SECTION__KEY`, read once into one frozen object.

Environment wins over the file, unknown keys are refused, secrets are typed. Policies are not settings: they reload.
The reference page of the docs is generated from the descriptions below.
"""

from runtime.settings.base import Server, SettingsRefused, Tls, is_loopback, split_address
from runtime.settings.callers import ClaimPaths, Issuer, People
from runtime.settings.outside import CheckpointTarget, ForwardTarget, Notifier, Secret
from runtime.settings.parts import ClickHouse, Shared, TracingSettings
from runtime.settings.reading import config_path, environment, load, parse
from runtime.settings.whole import Settings, process_name

__all__ = [
    "CheckpointTarget",
    "ClaimPaths",
    "ClickHouse",
    "ForwardTarget",
    "Issuer",
    "Notifier",
    "People",
    "Secret",
    "Server",
    "Settings",
    "SettingsRefused",
    "Shared",
    "Tls",
    "TracingSettings",
    "config_path",
    "environment",
    "is_loopback",
    "load",
    "parse",
    "process_name",
    "split_address",
]
