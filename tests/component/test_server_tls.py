"""The engine and ClickHouse over TLS: the real ones behind a front that ends it. An impostor is not asked."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from audit.store.client import (
    StoreDown,
    async_auditor_client,
    async_writer_client,
    auditor_client,
    migrator_client,
    pruner_client,
    writer_client,
)
from runtime.settings import Server, Settings, SettingsRefused, parse
from snapshot.engine_client import EngineDown, OpaEngine
from tests.kit.certificates import Authority
from tests.kit.engine import engine
from tests.kit.store import RunningStore, running
from tests.kit.tls_front import tls_front

Connect = Callable[[Settings], Any]

POLICY = """package exeat

decision := {"effect": "allow", "reasons": [{"rule": "all", "message": "Yes."}], "snapshot": data.snapshot.digest}
"""
FILES = {"p.rego": POLICY, "data/connections.yaml": "", "data/roles.yaml": ""}


class House:
    """Certificates of two authorities; only the first is trusted."""

    def __init__(self, folder: Path) -> None:
        self.ca, self.other = Authority(folder), Authority(folder, "other")
        self.good = self.ca.issue("server", "localhost", "127.0.0.1")
        self.elsewhere = self.ca.issue("elsewhere", "opa.elsewhere.example")
        self.forged = self.other.issue("forged", "localhost", "127.0.0.1")
        self.us, self.strangers = self.ca.issue("us", "authz.bank.example"), self.other.issue("strangers", "x.example")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return House(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def engine_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with engine(tmp_path_factory.mktemp("engine"), FILES) as started:
        yield urlsplit(started.url).port or 0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running(tmp_path_factory.mktemp("store")) as started:
        yield started


async def effect(port: int, server: Server | None) -> str:
    async with OpaEngine(f"https://localhost:{port}", 5000, server=server) as client:
        return str((await client.decide({})).effect)


async def test_the_engine(house: House, engine_port: int) -> None:
    trusting = Server(ca=house.ca.file)
    with tls_front(engine_port, house.good) as port:
        assert await effect(port, trusting) == "allow"
        for wrong in (None, Server(), Server(ca=house.other.file)):
            with pytest.raises(EngineDown):
                await effect(port, wrong)
    for impostor in (house.elsewhere, house.forged):
        with tls_front(engine_port, impostor) as port, pytest.raises(EngineDown):
            await effect(port, trusting)


async def test_an_engine_that_wants_to_know_us(house: House, engine_port: int) -> None:
    with tls_front(engine_port, house.good, client_ca=house.ca.file) as port:
        known = Server(ca=house.ca.file, certificate=house.us.certificate, key=house.us.key)
        assert await effect(port, known) == "allow"
        stranger = Server(ca=house.ca.file, certificate=house.strangers.certificate, key=house.strangers.key)
        for wrong in (Server(ca=house.ca.file), stranger):
            with pytest.raises(EngineDown):
                await effect(port, wrong)


def settings(store: RunningStore, port: int, **server: Any) -> Settings:
    return parse({"gateway": {"state_dir": str(store.folder)},
                  "clickhouse": {"url": f"https://localhost:{port}", **server}}, "here")  # fmt: skip


EVERYBODY = (writer_client, auditor_client, migrator_client, pruner_client)


def one(given: Settings, connect: Connect = auditor_client) -> int:
    with contextlib.closing(connect(given)) as client:
        return int(client.query("SELECT 1").first_row[0])


@pytest.mark.parametrize("connect", EVERYBODY)
def test_clickhouse(house: House, store: RunningStore, connect: Connect) -> None:
    with tls_front(store.port, house.good) as port:
        trusting = settings(store, port, ca=house.ca.file)
        assert one(trusting, connect) == 1
        for wrong in (settings(store, port), settings(store, port, ca=house.other.file)):
            with pytest.raises(StoreDown):
                one(wrong, connect)
    for impostor in (house.elsewhere, house.forged):
        with tls_front(store.port, impostor) as port, pytest.raises(StoreDown):
            one(settings(store, port, ca=house.ca.file), connect)


@pytest.mark.parametrize("connect", [async_writer_client, async_auditor_client])
async def test_clickhouse_without_blocking(house: House, store: RunningStore, connect: Callable[..., Any]) -> None:
    with tls_front(store.port, house.good) as port:
        client = await connect(settings(store, port, ca=house.ca.file))
        assert (await client.query("SELECT 1")).first_row[0] == 1
        await client.close()
        with pytest.raises(StoreDown):
            await connect(settings(store, port, ca=house.other.file))


def test_only_the_pinned_ca_is_believed(house: House, store: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the system's store, which any public authority is, is none where the settings name another."""
    monkeypatch.setenv("SSL_CERT_FILE", str(house.other.file))
    with tls_front(store.port, house.forged) as port:
        for connect in EVERYBODY:
            with pytest.raises(StoreDown):
                one(settings(store, port, ca=house.ca.file), connect)


@pytest.mark.parametrize("connect", EVERYBODY)
def test_a_clickhouse_that_wants_to_know_us(house: House, store: RunningStore, connect: Connect) -> None:
    with tls_front(store.port, house.good, client_ca=house.ca.file) as port:
        known = settings(store, port, ca=house.ca.file, certificate=house.us.certificate, key=house.us.key)
        assert one(known, connect) == 1
        with pytest.raises(StoreDown):
            one(settings(store, port, ca=house.ca.file), connect)


def test_files_that_are_none_are_named(house: House, store: RunningStore, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for given in ({"ca": tmp_path / "empty.pem"}, {"ca": tmp_path / "none.pem"}):
        with pytest.raises(SettingsRefused, match=r"(empty|none)\.pem holds no certificates"):
            OpaEngine("https://localhost:1", 100, server=Server(**given))
        with pytest.raises(SettingsRefused, match="holds no certificates"):
            one(settings(store, 1, **given))
    wrong = {"certificate": house.us.certificate, "key": house.strangers.key}
    with pytest.raises(SettingsRefused, match="are no certificate and its key"):
        one(settings(store, 1, ca=house.ca.file, **wrong))
    with pytest.raises(SettingsRefused, match="come together"):
        settings(store, 1, certificate=house.us.certificate)
