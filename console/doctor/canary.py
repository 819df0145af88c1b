"""A stranger's request with planted secrets, and a look for them in all that it left behind. Shell.

A stranger, because an allowed exchange would need a token and cost an upstream something; what is masked before it is
stored is the same for both. The secrets are invented, new each time, and of forms that the floor profile masks.
"""

import asyncio
import secrets
import ssl
from pathlib import Path

import httpx

from audit.store.client import StoreDown, auditor_client
from console.doctor import judge
from console.doctor.ask import log_files
from console.doctor.finding import Finding, fail, warn
from runtime.clock import Clock
from runtime.settings import Settings

ASK_SECONDS = 10.0
SHIPPED_SECONDS = 20.0  # a batch leaves every second; a sum of refusals is told after ten
BEFORE_US = 5_000_000

EVENTS = """
SELECT count(), countIf(position(body, {card:String}) > 0 OR position(body, {key:String}) > 0) FROM events
WHERE ts >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') AND type = 'decision.refused'
"""
FRAMES = """
SELECT countIf(position(content, {card:String}) > 0 OR position(content, {key:String}) > 0) FROM frames
WHERE at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
"""


async def canary(settings: Settings, clock: Clock) -> list[Finding]:
    tls = settings.gateway.tls
    if tls is not None and tls.client_ca is not None:
        text = "agents must bring a certificate here, and doctor has none"
        return [warn("canary", text, "Send a request with an agent's certificate and no token by hand: 401.")]
    planted = {"card": _card(), "key": f"sk-ant-{secrets.token_urlsafe(32)}"}
    since = clock.now_us() - BEFORE_US
    try:
        status = await knock(settings, planted)
    except httpx.HTTPError as error:
        text = f"the gateway does not answer at {settings.gateway.listen} ({type(error).__name__})"
        return [fail("canary", text, "See the checks above.")]
    leaked = [file.name for file in log_files(settings) if _holds(file.read_bytes(), planted)]
    try:
        recorded, stored = await _stored(settings, {**planted, "since": since})
    except StoreDown as error:
        return [*judge.canary(status, True, leaked)[:1], warn("canary", error.message, "See the store check.")]
    return judge.canary(status, recorded, [*leaked, *(["the store"] if stored else [])])


async def knock(settings: Settings, planted: dict[str, str]) -> int:
    """The status of the answer. Over TLS the gateway must show the certificate of the settings."""
    gateway = settings.gateway
    url = f"{'http' if gateway.tls is None else 'https'}://{gateway.listen}/exeat-doctor/{planted['card']}"
    trusted = True if gateway.tls is None else _only(gateway.tls.certificate)
    async with httpx.AsyncClient(timeout=ASK_SECONDS, verify=trusted, trust_env=False) as http:
        answer = await http.post(
            url, params={"card": planted["card"]}, json=planted, headers={"user-agent": f"doctor {planted['key']}"}
        )
    return answer.status_code


def _only(certificate: Path) -> ssl.SSLContext:
    """Trusts this certificate and no authority; it names the gateway as agents do, not as this machine does."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


async def _stored(settings: Settings, given: dict[str, object]) -> tuple[bool, bool]:
    """Whether the refusal is recorded, and whether a planted secret stands anywhere in the record."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SHIPPED_SECONDS
    while True:
        count, found = await asyncio.to_thread(_ask, settings, given)
        if count or loop.time() > deadline:
            return count > 0, found > 0
        await asyncio.sleep(1)


def _ask(settings: Settings, given: dict[str, object]) -> tuple[int, int]:
    client = auditor_client(settings)
    try:
        ((count, events),) = client.query(EVENTS, parameters=given).result_rows
        ((frames,),) = client.query(FRAMES, parameters=given).result_rows
    finally:
        client.close()
    return int(count), int(events) + int(frames)


def _holds(content: bytes, planted: dict[str, str]) -> bool:
    return any(value.encode() in content for value in planted.values())


def _card() -> str:
    """A number with a right check digit in a range that Visa issues; ISO/IEC 7812-1, Annex B."""
    digits = [4, *(secrets.randbelow(10) for _ in range(14))]
    doubled = [digit * 2 - 9 * (digit > 4) if place % 2 == 0 else digit for place, digit in enumerate(digits)]
    return "".join(map(str, digits)) + str(-sum(doubled) % 10)
