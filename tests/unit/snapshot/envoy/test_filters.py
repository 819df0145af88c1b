"""Each Envoy setting that is security, asserted on the configuration as rendered."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.settings import Settings
from snapshot.connections import parse_connections
from snapshot.envoy import render, render_bootstrap

CONNECTIONS = """
anthropic: {kind: anthropic, upstream: "https://api.anthropic.com", credential: anthropic}
ledger: {kind: http, upstream: "https://ledger.example/base"}
"""


@pytest.fixture
def rendered(tmp_path: Path) -> dict[str, Any]:
    settings = Settings(
        gateway={"run_dir": tmp_path / "run", "state_dir": tmp_path / "state"},  # type: ignore[arg-type]
        secrets={"anthropic": {"file": tmp_path / "key", "header": "x-api-key", "hosts": ["api.anthropic.com"]}},  # type: ignore[dict-item]
    )
    (tmp_path / "key").write_text("sk-ant-planted")
    bootstrap = render_bootstrap(settings)
    render(settings, parse_connections(CONNECTIONS, "connections.yaml", settings.secrets))
    files = {path.stem: json.loads(path.read_text()) for path in bootstrap.parent.glob("*.json")}
    files["sds"] = json.loads((bootstrap.parent / "sds" / "anthropic.json").read_text())
    files["folder"] = bootstrap.parent
    return files


@pytest.fixture
def manager(rendered: dict[str, Any]) -> dict[str, Any]:
    chain = rendered["bootstrap"]["static_resources"]["listeners"][0]["filter_chains"][0]
    found: dict[str, Any] = chain["filters"][0]["typed_config"]
    return found


@pytest.fixture
def filters(manager: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["name"].rsplit(".", 1)[-1]: item["typed_config"] for item in manager["http_filters"]}


def test_order(manager: dict[str, Any]) -> None:
    names = [item["name"].rsplit(".", 1)[-1] for item in manager["http_filters"]]
    assert names == ["local_ratelimit", "ext_authz", "lua", "ext_proc", "router"]


def test_ext_authz_is_closed_and_sees_the_raw_bytes(filters: dict[str, Any]) -> None:
    authz = filters["ext_authz"]
    assert authz["with_request_body"] == {"max_request_bytes": 32 << 20, "pack_as_bytes": True}  # no partial message
    assert authz["encode_raw_headers"] is True
    assert authz["status_on_error"] == {"code": "ServiceUnavailable"}
    assert not authz.get("failure_mode_allow", False)
    assert "filter_enabled" not in authz


def test_ext_proc_is_closed_and_its_modes_are_static(filters: dict[str, Any]) -> None:
    proc = filters["ext_proc"]
    assert proc["processing_mode"] == {
        "request_header_mode": "SEND",
        "response_header_mode": "SEND",
        "request_body_mode": "BUFFERED",
        "response_body_mode": "FULL_DUPLEX_STREAMED",
        "response_trailer_mode": "SEND",
    }
    for lever in ("failure_mode_allow", "allow_mode_override", "observability_mode", "disable_immediate_response"):
        assert not proc.get(lever, False), lever
    assert proc["status_on_error"] == {"code": "ServiceUnavailable"}
    assert proc["metadata_options"] == {"forwarding_namespaces": {"untyped": ["envoy.filters.http.ext_authz"]}}
    assert proc["max_message_timeout"] == "3600s"
    assert proc["grpc_service"]["timeout"] == "0s"


def test_the_guard_stands_before_ext_proc(filters: dict[str, Any]) -> None:
    assert "x-exeat-inspected" in filters["lua"]["default_source_code"]["inline_string"]


def test_paths_headers_and_upgrades(manager: dict[str, Any]) -> None:
    assert manager["normalize_path"] is True
    assert manager["merge_slashes"] is True
    assert manager["path_with_escaped_slashes_action"] == "REJECT_REQUEST"
    assert manager["common_http_protocol_options"]["headers_with_underscores_action"] == "REJECT_REQUEST"
    assert manager["stream_idle_timeout"] == "0s"
    assert manager["http_protocol_options"] == {"enable_trailers": True}
    assert "upgrade_configs" not in manager
    assert "body_format" not in manager["local_reply_config"]
    assert not manager.get("preserve_external_request_id", False)


def test_nothing_else_writes_metadata(manager: dict[str, Any]) -> None:
    kinds = {item["typed_config"]["@type"].rsplit(".", 1)[-1] for item in manager["http_filters"]}
    assert kinds == {"LocalRateLimit", "ExtAuthz", "Lua", "ExternalProcessor", "Router"}


def test_admin_is_a_private_socket(rendered: dict[str, Any]) -> None:
    assert rendered["bootstrap"]["admin"]["address"]["pipe"]["mode"] == 0o600


def test_services_are_pinged_and_their_breakers_raised(rendered: dict[str, Any]) -> None:
    for cluster in rendered["bootstrap"]["static_resources"]["clusters"]:
        (options,) = cluster["typed_extension_protocol_options"].values()
        keepalive = options["explicit_http_config"]["http2_protocol_options"]["connection_keepalive"]
        assert keepalive == {"interval": "10s", "timeout": "5s"}
        assert cluster["circuit_breakers"]["thresholds"][0]["max_requests"] == 100_000


def test_routes_have_no_timer_and_buffer_more_than_the_limit(rendered: dict[str, Any]) -> None:
    (host,) = rendered["routes"]["resources"][0]["virtual_hosts"]
    assert host["request_body_buffer_limit"] == (32 << 20) + (1 << 20)
    *connections, nowhere, connect = host["routes"]
    # authz is asked about paths that lead nowhere, too: Envoy skips it where there is no route at all
    assert (nowhere["match"], nowhere["direct_response"]) == ({"prefix": "/"}, {"status": 404})
    assert (connect["match"], connect["direct_response"]) == ({"connect_matcher": {}}, {"status": 404})
    assert not {"typed_per_filter_config"} & {*nowhere, *connect}
    for route in connections:
        assert route["route"]["timeout"] == "0s"
        assert route["route"]["idle_timeout"] == "0s"
        assert "retry_policy" not in route["route"]
        assert {"accept-encoding", "range", "if-range"} <= set(route["request_headers_to_remove"])
    ledger = host["routes"][1]
    assert (ledger["match"]["prefix"], ledger["route"]["prefix_rewrite"]) == ("/ledger/", "/base/")
    assert ledger["route"]["host_rewrite_literal"] == "ledger.example"


def test_upstream_tls_checks_the_name(rendered: dict[str, Any]) -> None:
    for cluster in rendered["clusters"]["resources"]:
        tls = cluster["transport_socket"]["typed_config"]
        validation = tls["common_tls_context"]["validation_context"]
        assert validation["match_typed_subject_alt_names"][0]["matcher"]["exact"] == tls["sni"]
        assert validation["trusted_ca"]["filename"]


def test_the_key_is_a_file_name_and_stands_in_no_rendered_file(rendered: dict[str, Any]) -> None:
    assert rendered["sds"]["resources"][0]["generic_secret"]["secret"]["filename"].endswith("/key")
    for path in rendered["folder"].rglob("*"):
        if path.is_file():
            assert b"sk-ant-planted" not in path.read_bytes()
            assert path.stat().st_mode & 0o777 == 0o600


def test_unused_secrets_are_not_rendered(rendered: dict[str, Any]) -> None:
    names = [f["name"] for c in rendered["clusters"]["resources"] for f in _upstream_filters(c)]
    assert names.count("envoy.filters.http.credential_injector") == 1


def _upstream_filters(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    (options,) = cluster["typed_extension_protocol_options"].values()
    found: list[dict[str, Any]] = options["http_filters"]
    return found


def test_of_several_processes_a_dead_one_is_left_out_and_never_all(tmp_path: Path) -> None:
    folders = {"run_dir": tmp_path / "run", "state_dir": tmp_path / "state"}
    settings = Settings(gateway={**folders, "authz_processes": 4})  # type: ignore[arg-type]
    authz, extproc = json.loads(render_bootstrap(settings).read_text())["static_resources"]["clusters"]
    places = authz["load_assignment"]["endpoints"][0]["lb_endpoints"]
    names = [Path(place["endpoint"]["address"]["pipe"]["path"]).name for place in places]
    assert names == ["authz.sock", "authz-1.sock", "authz-2.sock", "authz-3.sock"]
    assert authz["outlier_detection"]["max_ejection_percent"] == 75
    # panic at 0: never to one that cannot be reached; a window of 0: Envoy's own of 1 s delays a second failure
    assert authz["common_lb_config"] == {"healthy_panic_threshold": {}, "update_merge_window": "0s"}
    assert authz["outlier_detection"]["enforcing_consecutive_5xx"] == 0
    assert len(authz["health_checks"]) == 1
    assert not {"health_checks", "outlier_detection"} & extproc.keys()
