"""TLS and client certificates at the real Envoy, up to what authz is told; and whom Envoy takes for an upstream."""

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from envoy.service.auth.v3 import external_auth_pb2_grpc as auth_grpc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as proc_grpc

from authz import wire
from authz.peer import read
from console.dev.upstream.app import Upstream
from snapshot.envoy.files import validate
from tests.kit import envoy, serving, stubs
from tests.kit.certificates import Authority, Issued
from tests.kit.gateway import eventually

pytestmark = pytest.mark.envoy
SPIFFE = "spiffe://bank.example/agents/research"


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca, self.evil = Authority(folder), Authority(folder, "evil")
        self.server = self.ca.issue("gateway", "127.0.0.1", "localhost")
        self.authz = stubs.Authz(stubs.allow)

    @contextlib.contextmanager
    def running(self, connection: str, tls: dict[str, Any], **sections: Any) -> Iterator[envoy.RunningEnvoy]:
        files = {"certificate": self.server.certificate, "key": self.server.key}
        gateway = {"tls": {**files, **tls}} if tls is not PLAIN else {}
        settings = envoy.settings_in(self.folder, gateway=gateway, **sections)
        add = lambda server: auth_grpc.add_AuthorizationServicer_to_server(self.authz, server)  # noqa: E731
        put = lambda server: proc_grpc.add_ExternalProcessorServicer_to_server(stubs.Extproc(), server)  # noqa: E731
        with (
            stubs.grpc_service(settings.socket("authz"), add),
            stubs.grpc_service(settings.socket("extproc"), put),
            envoy.running(settings, envoy.connections(connection)) as running,
        ):
            yield running

    def ask(self, running: envoy.RunningEnvoy, client: Issued | None = None, ca: Path | None = None) -> httpx.Response:
        context = ssl.create_default_context(cafile=str(ca or self.ca.file))
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        url = running.url.replace("http:", "https:")
        return httpx.get(
            f"{url}/plain/health", verify=context, timeout=10, headers={"x-forwarded-client-cert": "forged"}
        )


PLAIN: dict[str, Any] = {}


@pytest.fixture
def house() -> Iterator[House]:
    with envoy.short_folder() as folder:
        yield House(folder)


@pytest.fixture
def plain() -> Iterator[str]:
    with serving.http(Upstream().app()) as port:
        yield f"plain: {{kind: http, upstream: 'http://127.0.0.1:{port}'}}"


def test_tls_without_client_certificates(house: House, plain: str) -> None:
    with house.running(plain, {"client_ca": None}) as running:
        assert house.ask(running).status_code == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            house.ask(running, ca=house.evil.file)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{running.url}/plain/health")
    assert house.authz.seen[0].attributes.source.certificate == ""


def test_a_renewed_certificate_is_served_without_a_restart(house: House, plain: str) -> None:
    with house.running(plain, {"client_ca": None}) as running:
        host, port = running.url.removeprefix("http://").split(":")
        before = ssl.get_server_certificate((host, int(port)))
        renewed = house.ca.issue("renewed", "127.0.0.1", "localhost")
        renewed.key.rename(house.server.key)
        renewed.certificate.rename(house.server.certificate)
        eventually(lambda: ssl.get_server_certificate((host, int(port))), lambda now: now != before)
        assert house.ask(running).status_code == 200


def test_a_client_certificate_reaches_authz(house: House, plain: str) -> None:
    agent = house.ca.issue("agent", SPIFFE)
    with house.running(plain, {"client_ca": house.ca.file}) as running:
        validate(running.settings, envoy.connections(plain))
        assert house.ask(running, agent).status_code == 200
    asked = wire.read(house.authz.seen[-1])
    assert (read(asked.certificate).spiffe, read(asked.certificate).thumbprint) == (SPIFFE, agent.thumbprint)
    assert "forged" not in str(asked.headers)


@pytest.mark.parametrize("kind", ["none", "of another authority", "of another trust domain", "without a name", "dns"])
def test_other_clients_are_refused_in_the_handshake(house: House, plain: str, kind: str) -> None:
    client = {
        "none": lambda: None,
        "of another authority": lambda: house.evil.issue("agent", SPIFFE),
        "of another trust domain": lambda: house.ca.issue("agent", "spiffe://evil.example/agents/research"),
        "without a name": lambda: house.ca.issue("agent"),
        "dns": lambda: house.ca.issue("agent", "bank.example"),
    }[kind]()
    tls = {"client_ca": house.ca.file, "client_ids": ["spiffe://bank.example/"]}
    with house.running(plain, tls) as running, pytest.raises((httpx.ReadError, httpx.ConnectError)):
        house.ask(running, client)
    assert house.authz.seen == []


@contextlib.contextmanager
def secure_upstream(issued: Issued) -> Iterator[int]:
    port = serving.free_port()
    config = uvicorn.Config(
        Upstream().app(), host="127.0.0.1", port=port, log_config=None, lifespan="off",
        ssl_certfile=str(issued.certificate), ssl_keyfile=str(issued.key),
    )  # fmt: skip
    with serving.thread(uvicorn.Server(config)):
        yield port


@pytest.mark.parametrize(
    ("host", "names", "authority", "status"),
    [
        ("localhost", ["localhost"], "ca", 200),
        ("127.0.0.1", ["127.0.0.1"], "ca", 200),
        ("localhost", ["evil.example"], "ca", 503),
        ("127.0.0.1", ["localhost"], "ca", 503),
        ("localhost", ["localhost"], "evil", 503),
    ],
)
def test_an_upstream_must_be_who_it_is_said_to_be(
    house: House, host: str, names: list[str], authority: str, status: int
) -> None:
    issued = (house.ca if authority == "ca" else house.evil).issue("upstream", *names)
    with secure_upstream(issued) as port:
        connection = f"plain: {{kind: http, upstream: 'https://{host}:{port}'}}"
        with house.running(connection, PLAIN, envoy={"upstream_ca": house.ca.file}) as running:
            assert httpx.get(f"{running.url}/plain/health", timeout=10).status_code == status
