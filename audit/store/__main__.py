"""`python -m audit.store`: the embedded store on the host and port of `clickhouse.url`.

Opens the folder, brings the schema up to date, reopens with serving grants only, listens. SIGTERM: no new queries,
running ones end, the engine flushes and closes.
"""

from urllib.parse import urlsplit

from audit.store.accounts import Accounts
from audit.store.engine import Duty, Engine, StoreBroken
from audit.store.facade import make_app
from audit.store.faults import Fault
from audit.store.migrate import migrate
from audit.store.serving import Store
from runtime import log, metrics, serve
from runtime.settings import Settings, SettingsRefused, is_loopback, load


def listen_address(url: str) -> str:
    """`host:port` of a ClickHouse URL. The embedded store has no TLS, so passwords must not leave the machine."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname is None:
        raise SettingsRefused(f"clickhouse.url {url!r}: the embedded store needs http://host:port")
    if not is_loopback(parts.hostname):
        raise SettingsRefused(f"clickhouse.url {url!r}: the embedded store listens on loopback only; it has no TLS")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{parts.port or 8123}"


def open_store(settings: Settings) -> Store:
    """An engine that is migrated and serves; raises StoreBusy, StoreBroken, MigrationRefused."""
    state_dir = settings.gateway.state_dir
    engine = Engine(state_dir / "store", settings.clickhouse.database)
    engine.open(Duty.MIGRATE)
    try:
        done = migrate(engine.rows, settings.clickhouse.database)
    except Fault as fault:
        raise StoreBroken(f"the schema cannot be brought up to date: {fault}") from None
    finally:
        engine.close()
    if done:
        log.get("store").info("migrated", extra={"fields": {"migrations": [m.name for m in done]}})
    engine.open(Duty.SERVE)
    return Store(engine, Accounts.load(state_dir))


async def run() -> None:
    settings = load()
    listen = listen_address(settings.clickhouse.url)
    store = open_store(settings)
    try:
        async with metrics.exposed(settings, "store"):
            await serve.serve_http(make_app(store), listen)
    finally:
        store.close()


if __name__ == "__main__":
    serve.main(run)
