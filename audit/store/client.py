"""The one place that makes clickhouse-connect clients, for the embedded store and for a server alike.

Clients connect when they are made (clickhouse-connect asks for version and settings), so make them where a failure
can be retried. After that the same client works again once the store is back.
"""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from audit.store.accounts import Account, password_file
from runtime.errors import GatewayError
from runtime.settings import Server, Settings
from runtime.trust import client_context

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient
    from clickhouse_connect.driver.client import Client

CONNECT_SECONDS = 2
QUERY_SECONDS = 30  # the default of 300 s would keep the shipper waiting on a frozen store
READ_SECONDS = 120  # above the embedded store's own limit of 60 s, so that its error is what people see


class StoreDown(GatewayError):
    """ClickHouse does not answer, or refuses the account. Worth a retry with backoff."""

    code = "store_down"


def writer_client(settings: Settings) -> "Client":
    """For the shipper: INSERT and SELECT. Blocking; raises StoreDown."""
    from audit.store.once import once_pool

    password = _writer_password(settings)
    pool = once_pool(**_files(settings.clickhouse)) if _secure(settings) else once_pool()
    return _connect(settings, settings.clickhouse.user, password, QUERY_SECONDS, pool_mgr=pool)


def auditor_client(settings: Settings, database: str | None = None) -> "Client":
    """For people and reports: SELECT only. Blocking; raises StoreDown."""
    return _connect(settings, Account.AUDITOR, _password(settings, Account.AUDITOR), READ_SECONDS, database)


def migrator_client(settings: Settings) -> "Client":
    """For `exeat audit migrate`. Blocking; raises StoreDown."""
    return _connect(settings, Account.MIGRATOR, _password(settings, Account.MIGRATOR), READ_SECONDS, database="")


def pruner_client(settings: Settings) -> "Client":
    """For `exeat audit prune` and `remask`. Blocking; raises StoreDown."""
    return _connect(settings, Account.PRUNER, _password(settings, Account.PRUNER), READ_SECONDS)


async def async_writer_client(settings: Settings) -> "AsyncClient":
    return await _connect_async(settings, settings.clickhouse.user, _writer_password(settings), QUERY_SECONDS)


async def async_auditor_client(settings: Settings) -> "AsyncClient":
    return await _connect_async(settings, Account.AUDITOR, _password(settings, Account.AUDITOR), READ_SECONDS)


def _connect(
    settings: Settings, user: str, password: str, seconds: int, database: str | None = None, **more: Any
) -> "Client":
    import clickhouse_connect  # half a second: only who asks ClickHouse pays for it

    _quiet()
    with _down(settings):
        client: Client = clickhouse_connect.get_client(**_options(settings, user, password, seconds, database), **more)
        return client


async def _connect_async(settings: Settings, user: str, password: str, seconds: int) -> "AsyncClient":
    import clickhouse_connect

    _quiet()
    with _down(settings):
        options = _options(settings, user, password, seconds, None)
        client: AsyncClient = await clickhouse_connect.get_async_client(**options)
        return client


def _quiet() -> None:
    """Its log lines carry foreign exception texts, and stand on a terminal before our own sentence."""
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)


def _options(settings: Settings, user: str, password: str, seconds: int, database: str | None) -> dict[str, Any]:
    url, secure = urlsplit(settings.clickhouse.url), _secure(settings)
    return {
        "host": url.hostname or "127.0.0.1",
        "port": url.port or (8443 if secure else 8123),
        "secure": secure,
        **(_trust(settings.clickhouse) if secure else {}),
        "username": str(user),
        "password": password,
        "database": settings.clickhouse.database if database is None else database,
        "connect_timeout": CONNECT_SECONDS,
        "send_receive_timeout": seconds,
        "compress": secure,  # over loopback it only costs time
        "autogenerate_session_id": False,  # sessions forbid concurrent queries, and we need none
        "client_name": "exeat",
    }


def _secure(settings: Settings) -> bool:
    return urlsplit(settings.clickhouse.url).scheme == "https"


def _trust(server: Server) -> dict[str, str]:
    return _files(server) | {"tls_mode": "strict"}  # the certificate is beside user and password, not in their place


def _files(server: Server) -> dict[str, str]:
    """Looked at first, because clickhouse-connect would say of a file only that the server does not answer."""
    client_context(server)
    given = {"ca_cert": server.ca, "client_cert": server.certificate, "client_cert_key": server.key}
    return {name: str(file) for name, file in given.items() if file is not None}


def _writer_password(settings: Settings) -> str:
    section = settings.clickhouse
    if section.password is not None:
        return section.password.get_secret_value()
    if section.password_file is not None:
        return _read(section.password_file)
    return _password(settings, Account.WRITER)


def _password(settings: Settings, account: Account) -> str:
    """From `<state_dir>/keys/`, where the embedded store makes it; for a server also beside `password_file`."""
    own = password_file(settings.gateway.state_dir, account)
    if not own.exists() and settings.clickhouse.password_file is not None:
        return _read(settings.clickhouse.password_file.with_name(own.name))
    return _read(own)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise StoreDown(f"{file}: {error.strerror}; the embedded store makes it when it first starts") from None


@contextlib.contextmanager
def _down(settings: Settings) -> Iterator[None]:
    """Errors while connecting, as one sentence without the URL's secrets."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    try:
        yield
    except ClickHouseError as error:
        if getattr(error, "code", None) in (192, 193, 194, 516):
            raise StoreDown(f"ClickHouse at {_where(settings)} refused user or password") from None
        raise StoreDown(f"ClickHouse at {_where(settings)} does not answer") from None


def _where(settings: Settings) -> str:
    url = urlsplit(settings.clickhouse.url)
    return f"{url.scheme}://{url.hostname}:{url.port or 8123}"
