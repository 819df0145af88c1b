"""The rendered configuration in the real Envoy: whatever fails, nothing passes, in the caller's own error shape."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from envoy.service.auth.v3 import external_auth_pb2_grpc as auth_grpc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc

from console.dev.upstream.app import Upstream
from tests.kit import envoy, serving, stubs

pytestmark = pytest.mark.envoy
SECRET = "536-22-1234"


@contextlib.contextmanager
def gateway(
    authz: stubs.Authz | None, extproc: stubs.Extproc | None, key: str | None = "sk-ant-planted", **sections: Any
) -> Iterator[tuple[httpx.Client, envoy.RunningEnvoy, Upstream]]:
    upstream = Upstream()
    with envoy.short_folder() as folder, contextlib.ExitStack() as stack:
        port = stack.enter_context(serving.http(upstream.app()))
        if key is not None:
            (folder / "key").write_text(key)
        secret = {"file": folder / "key", "header": "x-api-key", "hosts": ["127.0.0.1"]}
        settings = envoy.settings_in(folder, secrets={"anthropic": secret}, **sections)
        known = envoy.connections(
            f"anthropic: {{kind: anthropic, upstream: 'http://127.0.0.1:{port}', credential: anthropic}}\n"
            f"openai: {{kind: openai, upstream: 'http://127.0.0.1:{port}'}}\n"
            f"plain: {{kind: http, upstream: 'http://127.0.0.1:{port}'}}\n"
            f"azure: {{kind: azure_openai, upstream: 'http://127.0.0.1:{port}'}}\n"
            f"gemini: {{kind: gemini, upstream: 'http://127.0.0.1:{port}'}}\n"
            f"tools: {{kind: mcp, upstream: 'http://127.0.0.1:{port}'}}\n"
            f"cluster: {{kind: kubernetes, upstream: 'http://127.0.0.1:{port}'}}\n"
            "away: {kind: http, upstream: 'http://127.0.0.1:1'}\n"
        )
        if authz:
            add = lambda server: auth_grpc.add_AuthorizationServicer_to_server(authz, server)  # noqa: E731
            stack.enter_context(stubs.grpc_service(settings.socket("authz"), add))
        if extproc:
            put = lambda server: proc_grpc.add_ExternalProcessorServicer_to_server(extproc, server)  # noqa: E731
            stack.enter_context(stubs.grpc_service(settings.socket("extproc"), put))
        running = stack.enter_context(envoy.running(settings, known))
        client = stack.enter_context(httpx.Client(base_url=running.url, timeout=20))
        yield client, running, upstream


def test_an_allowed_request_reaches_the_upstream_with_its_key_and_without_the_callers() -> None:
    authz, extproc = stubs.Authz(stubs.allow), stubs.Extproc()
    with gateway(authz, extproc) as (client, _, upstream):
        headers = {"authorization": "Bearer caller", "x-envoy-forged": "1", "accept-encoding": "gzip"}
        answer = client.post("/anthropic/sim/echo", json={"a": 1}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert not [name for name in answer.headers if name.startswith(("x-exeat", "x-envoy"))]
        received = upstream.received[-1]
        assert received["path"] == "/sim/echo"
        assert received["headers"]["x-api-key"] == "sk-ant-planted"
        assert not {"authorization", "x-envoy-forged", "accept-encoding"} & set(received["headers"])
    check = authz.seen[-1].attributes
    assert check.context_extensions["connection"] == "anthropic"
    assert check.request.http.raw_body == b'{"a":1}'
    # the key is Envoy's alone: neither service saw it, nor is it in what extproc was told
    assert "sk-ant-planted" not in str(authz.seen)
    requests = [message for message in extproc.seen if message.WhichOneof("request").startswith("request")]
    assert requests
    assert "sk-ant-planted" not in str(requests)


def test_a_part_that_is_down_is_503_in_the_callers_shape() -> None:
    shapes: dict[str, Any] = {
        "anthropic": lambda body: body["type"] == "error" and body["error"]["code"],
        "openai": lambda body: body["error"]["code"],
        "azure": lambda body: body["error"]["code"],
        "gemini": lambda body: (body["error"]["code"], body["error"]["status"]),
        "tools": lambda body: body["jsonrpc"] == "2.0" and body["id"] is None and body["error"]["data"]["code"],
        "cluster": lambda body: (body["kind"], body["code"], body["reason"]),
        "plain": lambda body: body["code"],
    }
    told: dict[str, Any] = {"gemini": (503, "UNAVAILABLE"), "cluster": ("Status", 503, "ServiceUnavailable")}
    for authz, extproc in ((None, stubs.Extproc()), (stubs.Authz(stubs.allow), None)):
        with gateway(authz, extproc) as (client, _, upstream):
            for connection, shape in shapes.items():
                answer = client.get(f"/{connection}/accounts")
                assert answer.status_code == 503, answer.text
                assert shape(answer.json()) == told.get(connection, "gateway_unavailable"), answer.text
            assert not upstream.received


def test_what_envoy_itself_refuses_is_called_as_its_status_says() -> None:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc()) as (client, _, upstream):
        upgrade = {"connection": "upgrade", "upgrade": "websocket"}
        for path, status, title, code in (
            ("/plain/accounts", 403, "Forbidden", "upgrade_refused"),
            ("/away/accounts", 503, "Service Unavailable", "upstream_unavailable"),
        ):
            answer = client.get(path, headers=upgrade if status == 403 else {})
            said = answer.json()
            assert (answer.status_code, said["status"], said["title"], said["code"]) == (status, status, title, code)
            assert answer.headers["content-type"] == "application/problem+json"
        answer = client.get("/anthropic/accounts", headers=upgrade)
        assert answer.json()["error"]["type"] == "permission_error", answer.text
        assert not upstream.received


@pytest.mark.parametrize("phase", ["request_headers", "response_headers"])
def test_a_clean_end_of_extprocs_stream_is_caught_by_the_guard(phase: str) -> None:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc(quit_at=phase)) as (client, running, _):
        answer = client.get("/plain/accounts")
        assert answer.status_code in (502, 503)
        assert SECRET not in answer.text
        assert not [name for name in answer.headers if name.startswith("x-exeat")]
        assert running.stat("http.ingress.ext_proc.server_half_closed") >= 1


@pytest.mark.parametrize("phase", ["request_headers", "response_headers"])
def test_an_exception_in_extproc_is_503_and_its_text_stays_inside(phase: str) -> None:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc(fail_at=phase)) as (client, _running, _):
        answer = client.get("/anthropic/accounts")
        assert answer.status_code == 503, answer.text
        assert "planted" not in answer.text
        assert SECRET not in answer.text
        assert answer.json()["error"]["code"] == "gateway_unavailable"


def test_bodies_that_authz_wrote_pass_unchanged() -> None:
    with gateway(stubs.Authz(stubs.deny), stubs.Extproc()) as (client, _, upstream):
        answer = client.post("/anthropic/v1/messages", json={})
        assert (answer.status_code, answer.text) == (403, '{"ours": true}')
        assert not upstream.received


def test_a_missing_secret_is_503_and_nothing_leaves() -> None:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc(), key=None) as (client, _, upstream):
        answer = client.get("/anthropic/accounts")
        assert answer.status_code == 503, answer.text
        assert not upstream.received


def test_a_rotated_secret_is_used_without_a_restart() -> None:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc()) as (client, running, upstream):
        folder = running.settings.gateway.run_dir.parent
        (folder / "next").write_text("sk-ant-rotated")
        (folder / "next").rename(folder / "key")
        for _ in range(100):
            client.get("/anthropic/accounts")
            if upstream.received[-1]["headers"]["x-api-key"] == "sk-ant-rotated":
                return
        pytest.fail("the old key is still in use")


def test_a_body_over_the_limit_is_413_and_does_not_hang() -> None:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc(), gateway={"max_request_bytes": 1 << 20}) as (client, _, up):
        for size in (1 << 20) + 1, 3 << 20:
            answer = client.post("/openai/v1/responses", content=b"x" * size)
            assert answer.status_code == 413, answer.text
            assert answer.json()["error"]["code"] == "body_too_large"
        assert not up.received


@pytest.mark.parametrize("path", ["/plain/a%2fb", "/plain/a%5cb"])
def test_escaped_slashes_are_refused(path: str) -> None:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc()) as (client, _, upstream):
        assert client.get(path).status_code == 400
        assert not upstream.received


def test_an_upstream_cannot_forge_our_marks_and_trailers_pass() -> None:
    """With extproc ending cleanly, a forged mark is all an upstream would need."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def forged(request: Any) -> PlainTextResponse:
        return PlainTextResponse(SECRET, headers={"x-exeat-inspected": "1", "x-exeat-reply": "local"})

    with serving.http(Starlette(routes=[Route("/{rest:path}", forged)])) as port, envoy.short_folder() as folder:
        settings = envoy.settings_in(folder)
        known = envoy.connections(f"plain: {{kind: http, upstream: 'http://127.0.0.1:{port}'}}")
        authz, extproc = stubs.Authz(stubs.allow), stubs.Extproc(quit_at="request_headers")
        add = lambda server: auth_grpc.add_AuthorizationServicer_to_server(authz, server)  # noqa: E731
        put = lambda server: proc_grpc.add_ExternalProcessorServicer_to_server(extproc, server)  # noqa: E731
        with (
            stubs.grpc_service(settings.socket("authz"), add),
            stubs.grpc_service(settings.socket("extproc"), put),
            envoy.running(settings, known) as running,
        ):
            answer = httpx.get(f"{running.url}/plain/x")
            assert answer.status_code == 502
            assert SECRET not in answer.text


def test_the_access_log_names_the_exchange_and_no_path() -> None:
    with gateway(stubs.Authz(stubs.allow), stubs.Extproc()) as (client, running, _):
        client.get("/plain/accounts?ssn=536-22-1234")
        log = running.settings.gateway.run_dir / "access.log"
        for _ in range(200):
            if log.exists() and log.read_text():
                break
            import time

            time.sleep(0.02)
        line = json.loads(log.read_text().splitlines()[0])
        assert (line["exchange"], line["effect"], line["status"]) == ("e-1", "allow", 200)
        assert SECRET not in log.read_text()
