"""What goes wrong between a command and the console is one sentence, and the token goes nowhere else."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.cli.remote.client import Remote, Server, ServerRefused, ServerSilent, ServerUnsaid
from tests.kit.serving import free_port, http


def answering(body: str, seen: list[str], status: int = 200) -> Starlette:
    async def answer(request: Request) -> Response:
        seen.append(request.headers.get("authorization", ""))
        return Response(body, status)

    return Starlette(routes=[Route("/{rest:path}", answer)])


def test_no_proxy_sees_a_token_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for_console, for_proxy = list[str](), list[str]()
    with http(answering('{"a": 1}', for_console)) as port, http(answering('{"a": 2}', for_proxy)) as proxy:
        for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        assert Remote(Server(f"http://127.0.0.1:{port}"), "t0ken").get("approvals") == {"a": 1}
    assert (for_console, for_proxy) == (["Bearer t0ken"], [])


def test_a_ca_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for ca in (tmp_path / "ca.pem", tmp_path / "none"):
        with pytest.raises(ServerUnsaid, match="--ca is a file of certificates"):
            Remote(Server("https://127.0.0.1:1", ca), "t0ken").get("approvals")


@pytest.mark.parametrize(
    "server", ["https://[::1", "https://[x]", "https://h:port", "https://a\x00b", "http://h.example", "https://h/x"]
)
def test_a_server_that_is_none(server: str) -> None:
    with pytest.raises(ServerUnsaid, match="--server is the address of a console"):
        Remote(Server(server), "t0ken").get("approvals")


@pytest.mark.parametrize("body", ["[]", "null", '"x"', "3"])
@pytest.mark.parametrize("status", [200, 404, 502])
def test_json_that_is_no_document(body: str, status: int) -> None:
    with http(answering(body, [], status)) as port, pytest.raises(ServerSilent, match=f"answered {status} is no"):
        Remote(Server(f"http://127.0.0.1:{port}"), "t0ken").get("approvals")


def test_what_the_console_refuses_is_said_in_its_words() -> None:
    with http(answering('{"message": "No."}', [], 403)) as port, pytest.raises(ServerRefused, match=r"^No\.$"):
        Remote(Server(f"http://127.0.0.1:{port}"), "t0ken").get("approvals")
    with pytest.raises(ServerSilent, match="gives no answer"):
        Remote(Server(f"http://127.0.0.1:{free_port()}"), "t0ken").get("approvals")
