"""Asks the running parts. Shell: each function measures one thing and lets `judge` say what it means."""

import asyncio
import datetime
import json
import os
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from prometheus_client.parser import text_string_to_metric_families

from audit.store.client import StoreDown, auditor_client, writer_client
from audit.store.migrate import applied, pending, shipped
from console.doctor import judge
from console.doctor.finding import Finding, fail, ok, warn
from console.metrics import gather
from identity.errors import KeysUnavailable
from identity.fetch import client, fetch_keys
from runtime import health
from runtime.clock import Clock
from runtime.errors import Error
from runtime.settings import Secret, Settings
from snapshot import layout

ASK_SECONDS = 5.0
Check = Callable[[Settings, Clock], Awaitable[list[Finding]]]


async def parts(settings: Settings, clock: Clock) -> list[Finding]:
    """Which parts answer, how full their spools are, how far the shipper is behind."""
    figures = _figures((await gather(settings)).decode())
    up = {labels["part"]: value for labels, value in figures.get("exeat_part_up", [])}
    if not up.get("envoy"):
        return [
            fail(
                "parts", "nothing runs here", "Start it with `exeat up`, or point -c at the settings that it runs with."
            )
        ]
    silent = sorted(part for part, value in up.items() if not value)
    found = [fail("parts", f"{part} does not answer", "See docs/runbook.md#exeatpartdown.") for part in silent]
    found = found or [ok("parts", f"{len(up)} answer: {', '.join(sorted(up))}")]
    most = {labels["part"]: value for labels, value in figures.get("exeat_spool_max_bytes", [])}
    used = {
        labels["part"]: (value, most[labels["part"]]) for labels, value in figures.get("exeat_spool_used_bytes", [])
    }
    down = [labels["part"] for labels, value in figures.get("exeat_spool_down", []) if value]
    found += judge.spools(used, down)
    for _, behind in figures.get("exeat_ship_behind_events", []):
        ((_, caught_up),) = figures["exeat_ship_caught_up_timestamp_seconds"]
        found.append(judge.lag(behind, clock.now_us() / 1e6 - caught_up if behind else 0.0))
    for _, cleanly in figures.get("envoy_http_ext_proc_server_half_closed", []):
        if cleanly:
            found.append(fail("envoy", f"server_half_closed is {cleanly:.0f}", "See docs/runbook.md#exeathalfclosed."))
    return found


def _figures(text: str) -> dict[str, list[tuple[Mapping[str, str], float]]]:
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in text_string_to_metric_families(text)
    }


async def envoy(settings: Settings, clock: Clock) -> list[Finding]:
    """Does Envoy serve the routes that the publisher rendered?"""
    try:
        file = (settings.gateway.run_dir / "envoy" / "routes.json").read_text()
        rendered = set(_names(json.loads(file)["resources"]))
    except (OSError, ValueError, KeyError):
        return [
            fail(
                "envoy", "there are no rendered routes", "Is the publisher running? `exeat policy check` says why not."
            )
        ]
    status, body = await _envoy_config(settings)
    if status != 200:
        return [fail("envoy", "does not answer on its admin socket", "See docs/runbook.md#exeatpartdown.")]
    loaded = {
        name
        for config in json.loads(body).get("configs", [])
        for name in _names(item.get("route_config", {}) for item in config.get("dynamic_route_configs", []))
    }
    return [judge.in_force(rendered, loaded), _snapshot(settings)]


async def _envoy_config(settings: Settings) -> tuple[int, bytes]:
    transport = httpx.AsyncHTTPTransport(uds=str(settings.socket("envoy-admin")))
    try:
        async with httpx.AsyncClient(transport=transport, timeout=ASK_SECONDS) as http:
            answer = await http.get("http://localhost/config_dump", params={"resource": ""})
    except httpx.HTTPError:
        return 0, b""
    return answer.status_code, answer.content


def _names(configs: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for config in configs:
        for host in config.get("virtual_hosts", []):
            for route in host.get("routes", []):
                yield route["name"]


def _snapshot(settings: Settings) -> Finding:
    try:
        digest = layout.current(settings.gateway.state_dir)
    except layout.NoSnapshot:
        return fail(
            "snapshot", "no revision was published", "`exeat policy check` says what is wrong with the repository."
        )
    return ok("snapshot", f"{digest} decides")


async def issuers(settings: Settings, clock: Clock) -> list[Finding]:
    """Keys of each issuer, and its clock beside ours."""
    found: list[Finding] = [] if settings.issuers else [fail("issuers", "none", "Name one in [[issuers]].")]
    async with client() as http:
        for issuer in settings.issuers:
            try:
                keyset = await fetch_keys(http, issuer)
                answer = await http.get(f"{issuer.issuer.rstrip('/')}/.well-known/openid-configuration")
            except (KeysUnavailable, httpx.HTTPError) as error:
                said = error.message if isinstance(error, Error) else type(error).__name__
                remedy = "Can this machine reach it? Until it can, tokens are verified with known keys for an hour."
                found.append(fail("issuers", f"{issuer.issuer}: {said}", remedy))
                continue
            found.append(judge.keys(issuer.issuer, len(keyset.keys)))
            if "date" in answer.headers:
                theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
                found.append(judge.clock(issuer.issuer, clock.now_us() / 1e6 - theirs))
    return found


async def secrets(settings: Settings, clock: Clock) -> list[Finding]:
    """Without reading more of a key than its length and its last byte."""
    found = [judge.secret(name, str(secret.file), _problem(secret)) for name, secret in settings.secrets.items()]
    folder = settings.gateway.state_dir / "keys"
    for file in sorted(folder.glob("*")) if folder.is_dir() else []:
        if file.suffix != ".vkey" and file.is_file():
            age = clock.now_us() / 1e6 - file.stat().st_mtime
            found.append(judge.key_age(file.name, age / 86_400))
    return found


def _problem(secret: Secret) -> str:
    try:
        with secret.file.open("rb") as file:
            size = file.seek(0, 2)
            if not size:
                return "empty"
            file.seek(-1, 2)
            if file.read(1) in b"\r\n":
                return "line break"
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unreadable"
    return "open to others" if _open(secret.file) else ""


def _open(file: Path) -> bool:
    """Whether others may do anything with it. A group may read what is not ours: so Kubernetes hands out secrets."""
    about = file.stat()
    mine = about.st_uid == os.geteuid()
    return bool(about.st_mode & (0o077 if mine else 0o037))


async def store(settings: Settings, clock: Clock) -> list[Finding]:
    """Both accounts, the schema, and that the writer may do no more than it must."""
    return await asyncio.to_thread(_store, settings)


def _store(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    database = settings.clickhouse.database
    try:
        auditor = auditor_client(settings)
    except StoreDown as error:
        return [fail("store", error.message, "See docs/store.md: address, password files, accounts.")]
    try:
        todo = pending(shipped(), applied(lambda sql: auditor.query(sql).result_rows, database))
        if todo:
            found.append(fail("store", f"{len(todo)} migration(s) are missing", "exeat audit migrate"))
        else:
            found.append(ok("store", f"schema {len(shipped())} in {database}; the auditor reads"))
    except Exception:  # the driver's own, a migration that was edited: the auditor cannot tell
        found.append(warn("store", "the auditor cannot read which migrations ran", "exeat audit migrate"))
    finally:
        auditor.close()
    try:
        writer_client(settings).close()
        found.append(ok("store", "the writer's account is accepted"))
    except StoreDown as error:
        found.append(fail("store", error.message, "See docs/store.md, Accounts."))
    return found


async def certificates(settings: Settings, clock: Clock) -> list[Finding]:
    """Of the issuers that are https: an expired one stops every refresh of keys."""
    hosts = {urlsplit(issuer.issuer) for issuer in settings.issuers if issuer.issuer.startswith("https://")}
    found = []
    for host in sorted(hosts):
        until = await _expires(host.hostname or "", host.port or 443)
        if until is not None:
            left = until - datetime.datetime.fromtimestamp(clock.now_us() / 1e6, datetime.UTC)
            found.append(judge.certificate(host.hostname or "", left.total_seconds() / 86_400))
    return found


async def _expires(host: str, port: int) -> datetime.datetime | None:
    """None when there is no connection: the check of issuers says so."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    except (OSError, TimeoutError):
        return None
    tls = writer.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(der).not_valid_after_utc


async def console(settings: Settings, clock: Clock) -> list[Finding]:
    listen = settings.console.listen
    secure = settings.console.certificate is not None
    if await health.listens(listen) if secure else await health.http_status(listen, "/health") == 200:
        return [ok("console", f"answers at {settings.console.listen}")]
    return [warn("console", f"does not answer at {settings.console.listen}", "See docs/runbook.md#exeatpartdown.")]


def log_files(settings: Settings) -> list[Path]:
    folder = settings.gateway.run_dir
    return sorted([*folder.glob("*.log"), *(folder / "logs").glob("*")])
