"""TLS as rendered."""

from pathlib import Path
from typing import Any

import pytest

from runtime.settings import Settings, SettingsRefused, load
from snapshot.envoy import bootstrap, dynamic
from snapshot.envoy.tls import resources
from snapshot.envoy.typed import to_json
from tests.kit.envoy import connections


def given(folder: Path, **tls: Any) -> Settings:
    files = {"certificate": folder / "c.pem", "key": folder / "k.pem"}
    gateway: Any = {"run_dir": folder, **({"tls": {**files, **tls}} if tls else {})}
    return Settings(gateway=gateway)


def listener(settings: Settings, folder: Path) -> Any:
    (found,) = to_json(bootstrap.config(settings, folder))["static_resources"]["listeners"]
    return found["filter_chains"][0]


def test_without_settings_there_is_none(tmp_path: Path) -> None:
    assert "transport_socket" not in listener(given(tmp_path), tmp_path)


def test_clients_must_bring_a_certificate_of_the_authority_and_the_names(tmp_path: Path) -> None:
    settings = given(tmp_path, client_ca=tmp_path / "ca.pem", client_ids=["spiffe://bank.example/agents/"])
    chain = listener(settings, tmp_path)
    context = chain["transport_socket"]["typed_config"]
    assert context["require_client_certificate"] is True
    assert context["disable_stateless_session_resumption"] is True
    common = context["common_tls_context"]
    assert common["tls_params"] == {"tls_minimum_protocol_version": "TLSv1_2"}
    assert common["validation_context_sds_secret_config"]["name"] == "clients"
    assert settings.gateway.tls is not None
    validation = to_json(resources(settings.gateway.tls)["clients"])["validation_context"]
    assert validation["trusted_ca"] == {"filename": str(tmp_path / "ca.pem")}
    (name,) = validation["match_typed_subject_alt_names"]
    assert name == {"san_type": "URI", "matcher": {"prefix": "spiffe://bank.example/agents/"}}
    (manager,) = chain["filters"]
    assert "forward_client_cert_details" not in manager["typed_config"], "the default: what a client says is removed"


def test_without_a_client_authority_nobody_is_asked(tmp_path: Path) -> None:
    context = listener(given(tmp_path, client_ca=None), tmp_path)["transport_socket"]["typed_config"]
    assert context.get("require_client_certificate", False) is False
    assert not [key for key in context["common_tls_context"] if key.startswith("validation_context")]


@pytest.mark.parametrize(
    ("host", "sni", "kind"), [("api.example", "api.example", "DNS"), ("10.1.2.3", None, "IP_ADDRESS")]
)
def test_upstreams_are_checked_by_name_or_address(tmp_path: Path, host: str, sni: str | None, kind: str) -> None:
    settings = Settings(envoy={"upstream_ca": tmp_path / "house.pem"})  # type: ignore[arg-type]
    known = connections(f"x: {{kind: http, upstream: 'https://{host}', addresses: private}}")
    (cluster,) = dynamic.upstream_clusters(settings, known.values(), tmp_path)
    context = to_json(cluster)["transport_socket"]["typed_config"]
    assert context.get("sni") == sni
    validation = context["common_tls_context"]["validation_context"]
    (name,) = validation["match_typed_subject_alt_names"]
    assert (name["san_type"], name["matcher"]) == (kind, {"exact": host})
    assert validation["trusted_ca"] == {"filename": str(tmp_path / "house.pem")}


def test_files_are_relative_to_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "exeat.toml"
    file.write_text('[gateway.tls]\ncertificate = "tls/c.pem"\nkey = "/k.pem"\nclient_ca = "ca.pem"\n')
    tls = load(file).gateway.tls
    assert tls is not None
    assert (tls.certificate, tls.key, tls.client_ca) == (tmp_path / "tls/c.pem", Path("/k.pem"), tmp_path / "ca.pem")


def test_tokens_cannot_be_bound_to_nothing(tmp_path: Path) -> None:
    file = tmp_path / "exeat.toml"
    file.write_text("[gateway]\nbound_tokens = true\n")
    with pytest.raises(SettingsRefused, match="client_ca"):
        load(file)
