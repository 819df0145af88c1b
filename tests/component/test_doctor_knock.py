"""The doctor's canary over TLS: it speaks to the gateway whose certificate the settings name, and to no other."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from console.doctor.canary import canary, knock
from runtime.clock import SystemClock
from runtime.settings import Settings
from tests.kit import serving
from tests.kit.certificates import Authority, Issued
from tests.kit.serving import free_port


async def refuses(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def settings(tmp_path: Path, port: int, shown: Issued, **more: Any) -> Settings:
    tls = {"certificate": shown.certificate, "key": shown.key, **more}
    gateway = {"listen": f"127.0.0.1:{port}", "run_dir": tmp_path, "state_dir": tmp_path, "tls": tls}
    return Settings.model_validate({"gateway": gateway})


def test_it_trusts_the_gateways_own_certificate_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours, another = authority.issue("gateway", "gateway.bank.example"), authority.issue("another", "127.0.0.1")
    port = free_port()
    config = uvicorn.Config(refuses, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    config.ssl_certfile, config.ssl_keyfile = str(ours.certificate), str(ours.key)
    config.ssl_cert_reqs = ssl.CERT_NONE
    with serving.thread(uvicorn.Server(config)):
        planted = {"card": "4000", "key": "sk"}
        assert asyncio.run(knock(settings(tmp_path, port, ours), planted)) == 401
        with pytest.raises(httpx.HTTPError):
            asyncio.run(knock(settings(tmp_path, port, another), planted))


def test_where_agents_bring_certificates_it_says_that_it_has_none(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours = authority.issue("gateway", "gateway.bank.example")
    (found,) = asyncio.run(canary(settings(tmp_path, 1, ours, client_ca=authority.file), SystemClock()))
    assert (found.level, found.check) == ("warn", "canary")
