"""From file and environment to the object; the one place that looks at the environment."""

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runtime.settings.base import SettingsRefused
from runtime.settings.whole import Settings

DEFAULT_FILE = Path("exeat.toml")


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
    "shared": {"password_file": None, "ca": None},
    "tracing": {"ca": None},
    "envoy": {"binary": None, "upstream_ca": None},
}


# list of tables → the same of each
LISTED_PATHS: dict[str, tuple[str, ...]] = {
    "forward_targets": ("token_file", "ca", "certificate", "key"),
    "checkpoint_targets": ("ca", "access_key_file", "secret_key_file"),
    "notifiers": ("url_file", "secret_file"),
}  # `path` of a target must be absolute: it lies outside

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
    for section, names in LISTED_PATHS.items():
        if isinstance(values.get(section), list):
            rooted[section] = [_with_rooted(item, names, folder) for item in values[section]]
    return rooted


def _with_rooted(item: Any, names: tuple[str, ...], folder: Path) -> Any:
    if not isinstance(item, dict):
        return item  # not a table: the model says so
    return {**item, **{name: str(folder / item[name]) for name in names if isinstance(item.get(name), str)}}


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
