"""Static settings: read once, unknown keys refused, secrets typed."""

from pathlib import Path
from typing import get_args

import pytest

from runtime.settings import Settings, SettingsRefused, is_loopback, load, parse, split_address

FILE = """
[gateway]
id = "bank"
[[issuers]]
issuer = "https://login.example.com"
[secrets.anthropic]
file = "keys/a"
hosts = ["api.anthropic.com"]
[clickhouse]
password = "hush-hush"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "exeat.toml"
    path.write_text(FILE)
    return path


def test_paths_are_relative_to_the_file(file: Path) -> None:
    settings = load(file)
    assert settings.gateway.state_dir == file.parent / "state"
    assert settings.secrets["anthropic"].file == file.parent / "keys/a"
    assert settings.policy.path == file.parent / "policies"


WHOLE: dict[str, list[str]] = {
    "forward_targets": ['name = "soc"', 'kind = "otlp"', 'url = "https://otel.example"'],
    "checkpoint_targets": ['kind = "directory"', 'path = "/mnt/worm"'],
    "notifiers": ['name = "team"', 'kind = "webhook"'],
}


def listed_paths() -> list[tuple[str, str]]:
    """Every key of a list that is a path, but for `path`, which must be absolute."""
    found = []
    for section in WHOLE:
        (model,) = get_args(Settings.model_fields[section].annotation)
        found += [(section, key) for key, field in model.model_fields.items() if Path in get_args(field.annotation)]
    return [each for each in found if each[1] != "path"]


@pytest.mark.parametrize(("section", "key"), listed_paths())
def test_paths_in_lists_are_relative_to_the_file_too(tmp_path: Path, section: str, key: str) -> None:
    more = [] if section != "notifiers" or key == "url_file" else ['url = "https://chat.example/x"']
    lines = [f"[[{section}]]", *WHOLE[section], *more, f'{key} = "keys/it"']
    (tmp_path / "exeat.toml").write_text("\n".join(lines))
    (item,) = getattr(load(tmp_path / "exeat.toml"), section)
    assert getattr(item, key) == tmp_path / "keys/it"


def test_every_path_of_a_list_is_tried() -> None:
    assert len(listed_paths()) == 9


def test_environment_wins(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXEAT_GATEWAY__ID", "other")
    settings = load(file)
    assert settings.gateway.id == "other"
    assert settings.gateway.state_dir == file.parent / "state"


@pytest.mark.parametrize("name", ["EXEAT_GATWAY__ID", "EXEAT_UNKNOWN"])
def test_a_typing_error_in_the_environment_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsRefused, match=name):
        load(file)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"gateway": {"idd": "x"}}, "gateway.idd"),
        ({"nonsense": {}}, "nonsense"),
        ({"issuers": [{"issuer": "http://login.example.com"}]}, "https"),
        ({"issuers": [{"issuer": "http://login.example.com", "allow_http": True}]}, "https"),
        ({"issuers": [{"issuer": "https://a.example"}, {"issuer": "https://a.example"}]}, "twice"),
        ({"issuers": [{"issuer": "https://a.example", "algorithms": ["none"]}]}, "algorithms"),
        ({"issuers": [{"issuer": "https://a.example", "algorithms": ["HS256"]}]}, "algorithms"),
        ({"issuers": [{"issuer": "https://a.example", "audiences": ["exeat-people"]}]}, "both doors"),
        ({"secrets": {"a": {"file": "x", "hosts": []}}}, "hosts"),
        ({"gateway": 7}, "gateway"),
        ({"approvals": {"max_wait_seconds": 4000}}, "max_wait_seconds"),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsRefused, match=says):
        parse(values, "exeat.toml")


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="exeat init"):
        load(tmp_path / "none.toml")


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("[gateway\n")
    with pytest.raises(SettingsRefused, match="line 1"):
        load(tmp_path / "x.toml")


def test_secrets_do_not_print(file: Path) -> None:
    settings = load(file)
    assert settings.clickhouse.password
    assert "hush" not in repr(settings)
    assert "hush" not in settings.model_dump_json()


def test_settings_are_frozen(file: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(file).gateway.id = "x"


def test_processes_have_names() -> None:
    settings = parse({"gateway": {"authz_processes": 3}}, "here")
    assert settings.processes("authz") == ["authz", "authz-1", "authz-2"]
    assert settings.processes("extproc") == ["extproc"]


def test_a_socket_path_that_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    settings = Settings(gateway={"run_dir": tmp_path / ("d" * 100)})  # type: ignore[arg-type]
    with pytest.raises(SettingsRefused, match="too long"):
        settings.socket("authz")


@pytest.mark.parametrize("address", ["", "10000", ":80", "host:", "host:99999", "host:-1"])
def test_addresses(address: str) -> None:
    with pytest.raises(SettingsRefused):
        split_address(address)


def test_ipv6_address() -> None:
    assert split_address("[::1]:80") == ("::1", 80)


@pytest.mark.parametrize(
    ("host", "is_it"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("127.0.0.1.evil.example", False),
     ("0.0.0.0", False), (None, False), ("localhost.example", False)],
)  # fmt: skip
def test_loopback(host: str | None, is_it: bool) -> None:
    assert is_loopback(host) is is_it


HOOK = {"name": "hook", "kind": "webhook", "url": "https://hook.example/x"}
MAIL = {"name": "mail", "kind": "email", "smtp_host": "mail.example", "sender": "a@b.example", "to": ["c@b.example"]}


@pytest.mark.parametrize(
    ("notifier", "says"),
    [
        (HOOK | {"url": "http://hook.example/x"}, "must be https"),
        (HOOK | {"url": "/x"}, "must be https"),
        (HOOK | {"url_file": "x"}, "url, or url_file"),
        ({"name": "hook", "kind": "slack"}, "url, or url_file"),
        (MAIL | {"to": []}, "smtp_host, sender and to"),
        (MAIL | {"starttls": False}, "loopback"),
        (HOOK | {"about": []}, "about"),
    ],
)
def test_a_notifier_that_cannot_be_told_anything_safely(notifier: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsRefused, match=says):
        parse({"notifiers": [notifier]}, "exeat.toml")


def test_notifiers_are_named_once_and_their_address_may_be_a_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="named twice"):
        parse({"notifiers": [HOOK, MAIL | {"name": "hook"}]}, "exeat.toml")
    secret = tmp_path / "address"
    secret.write_text("https://hook.example/secret\n")
    hidden = {"name": "hook", "kind": "slack", "url_file": str(secret)}
    (found,) = parse({"notifiers": [hidden]}, "exeat.toml").notifiers
    assert found.address() == "https://hook.example/secret"
    secret.write_text("http://elsewhere.example")
    with pytest.raises(ValueError, match="https"):
        found.address()


def test_the_address_that_people_are_told() -> None:
    assert Settings().gateway.url == "http://127.0.0.1:10000"
    told = Settings.model_validate({"gateway": {"public_url": "https://gateway.bank.example:10000"}})
    assert told.gateway.url == "https://gateway.bank.example:10000"
    for wrong in ("gateway:10000", "https://", "https://gateway/anthropic", "ftp://gateway"):
        with pytest.raises(SettingsRefused, match="origin"):
            parse({"gateway": {"public_url": wrong}}, "test")


@pytest.mark.parametrize("signature", ["optional", "required"])
def test_answers_are_signed_where_browsers_can(signature: str) -> None:
    signed = {"approvals": {"signature": signature}}
    for console in ({}, {"public_url": "https://10.0.0.1"}, {"listen": "[::1]:8800"}):
        with pytest.raises(SettingsRefused, match=r"console\.public_url"):
            parse({**signed, "console": console}, "test")
    for url in ("http://localhost:8800", "https://exeat.bank.example"):
        assert parse({**signed, "console": {"public_url": url}}, "test").approvals.signature == signature
    assert Settings().approvals.signature == "never"


def test_forward_targets_are_named_once() -> None:
    soc = {"name": "soc", "kind": "file", "path": "/var/log/soc"}
    with pytest.raises(SettingsRefused, match="a forward target is named twice"):
        parse({"forward_targets": [soc, {**soc, "path": "/var/log/other"}]}, "exeat.toml")
    assert len(parse({"forward_targets": [soc, {**soc, "name": "siem"}]}, "exeat.toml").forward_targets) == 2


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://exeat@db/exeat", "postgresql://user@host"),
        ("postgresql://db.bank.example/exeat", "postgresql://user@host"),
        ("postgresql://exeat@db.bank.example", "postgresql://user@host"),
        ("postgresql://exeat@db.bank.example:99999/exeat", "postgresql://user@host"),
        ("postgresql://exeat@db.bank.example:abc/exeat", "postgresql://user@host"),
        ("postgresql://exeat@db.bank.example:0/exeat", "postgresql://user@host"),
        ("postgresql://exeat@[db/exeat", "postgresql://user@host"),
        ("postgresql://exeat:hush-hush@db.bank.example/exeat", "no password"),
        ("postgresql://exeat@db.bank.example/exeat?sslmode=disable", "no options"),
    ],
)
def test_a_shared_database_is_named_without_its_password(url: str, says: str) -> None:
    with pytest.raises(SettingsRefused, match=says) as refused:
        parse({"shared": {"url": url}}, "test")
    assert "hush-hush" not in str(refused.value)
