"""Notifiers of the approvals process: a signed webhook, a mail server, one that fails first, one that refuses."""

import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from approvals.client import ApprovalsClient, HoldsClient
from approvals.facts import Wish
from snapshot.decision import ApprovalTerms, BreakGlass
from tests.kit.approvals import Service, ask, running
from tests.kit.gateway import eventually
from tests.kit.mail import Mailbox, mailbox
from tests.kit.serving import http

KEY = b"a key of the house, in bytes"
TERMS = ApprovalTerms(any=("ledger-approvers",), expires_s=540, break_glass=BreakGlass(("on-call",), 1, 900))


class Hooks:
    """`seen`: (path, headers, body). The path's last part is what it answers; `once`: to a note's first attempt."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], bytes]] = []

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._hook, methods=["POST"])])

    async def _hook(self, request: Request) -> Response:
        path, headers = request.url.path, dict(request.headers)
        note = headers["idempotency-key"]
        again = any((path, note) == (earlier, sent["idempotency-key"]) for earlier, sent, _ in self.seen)
        self.seen.append((path, headers, await request.body()))
        return Response(status_code=200 if again and "once" in path else int(path.rpartition("/")[2]))

    def of(self, path: str, about: str) -> list[tuple[str, dict[str, str], bytes]]:
        return [each for each in self.seen if each[0] == path and each[1]["idempotency-key"].startswith(about)]


@pytest.fixture(scope="module")
def hooks() -> Iterator[tuple[Hooks, int]]:
    hooks = Hooks()
    with http(hooks.app()) as port:
        yield hooks, port


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def service(hooks: tuple[Hooks, int], box: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    key = tmp_path_factory.mktemp("keys") / "webhook"
    key.write_text(f"whsec_{base64.b64encode(KEY).decode()}\n")
    base = f"http://127.0.0.1:{hooks[1]}"
    places = {"signed": f'url = "{base}/200"\nsecret_file = "{key}"', "fails-once": f'url = "{base}/once/503"'}
    places |= {"refuses": f'url = "{base}/404"\nkind = "slack"', "others": f'url = "{base}/others/200"\ngroups = ["x"]'}
    places |= {"late": f'url = "{base}/late/200"\nafter_seconds = 86400'}
    mail = f'smtp_host = "127.0.0.1"\nsmtp_port = {box.port}\nstarttls = false\nsender = "exeat@bank.example"'
    places |= {"mail": f'kind = "email"\n{mail}\nto = ["alice@bank.example"]'}
    blocks = [
        f'[[notifiers]]\nname = "{name}"\n{lines}' + ("" if "kind" in lines else '\nkind = "webhook"')
        for name, lines in places.items()
    ]
    with running(extra="\n\n".join(blocks)) as service:
        yield service


def recorded(service: Service, about: str) -> list[tuple[str, str, int, int]]:
    """(type, notifier, attempt, status) of the deliveries of one card, in their order."""
    with sqlite3.connect(f"file:{service.database}?mode=ro", uri=True) as conn:
        bodies = [json.loads(row[0]) for row in conn.execute("SELECT body FROM events ORDER BY seq")]
    conn.close()
    found = [body for body in bodies if body["type"].startswith("notification.") and body["data"]["about"] == about]
    return [(each["type"], *(each["data"][name] for name in ("notifier", "attempt", "status"))) for each in found]


WANTED = {
    "signed": ("notification.delivered", 200),
    "fails-once": ("notification.delivered", 200),
    "refuses": ("notification.refused", 404),
    "mail": ("notification.delivered", 250),
}


def ends(rows: list[tuple[str, str, int, int]]) -> dict[str, tuple[str, int]]:
    """How it ended with each notifier; on a slow machine an attempt more may come before."""
    return {name: (kind, status) for kind, name, _, status in rows if kind != "notification.failed"}


def settled(rows: list[tuple[str, str, int, int]]) -> bool:
    return ends(rows).keys() == WANTED.keys()


async def test_each_is_told_once_and_each_delivery_is_recorded(
    service: Service, hooks: tuple[Hooks, int], box: Mailbox
) -> None:
    async with HoldsClient(service.holds) as holds:
        held = await holds.request(ask(received_digest="1" * 64, terms=TERMS))
    found = eventually(lambda: recorded(service, held.id), settled)
    assert ends(found) == WANTED
    assert ("notification.failed", "fails-once", 1, 503) in found  # and then again, as each attempt is recorded
    _, headers, body = hooks[0].of("/200", held.id)[-1]
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, said, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told: dict[str, Any] = json.loads(body)
    assert told["data"]["link"] == f"http://127.0.0.1:8800/approvals/{held.id}"
    assert len(hooks[0].of("/once/503", held.id)) >= 2
    # on a slow machine there may be a second one
    mail = [each for each in map(message_from_bytes, box.mails) if held.id in str(each.get_payload(decode=True))][-1]
    assert mail["To"] == "alice@bank.example"
    assert hooks[0].of("/others/200", "") == hooks[0].of("/late/200", "") == []


async def test_a_restart_sends_nothing_twice_and_an_emergency_is_told(
    service: Service, hooks: tuple[Hooks, int]
) -> None:
    async with HoldsClient(service.holds) as holds:
        held = await holds.request(ask(received_digest="2" * 64, terms=TERMS))
        eventually(lambda: recorded(service, held.id), settled)
        before = len(hooks[0].seen)
        service.kill()
        service.start()
        async with ApprovalsClient(service.people, service.issuer.person_token("erin")) as erin:
            approval, shown = await erin.get(held.id)
            await erin.break_glass(approval.id, shown.digest, "payments are down", Wish(1, 60))
            (standing,) = await erin.standings()
    assert ends(eventually(lambda: recorded(service, standing.id), settled)) == WANTED
    again = [json.loads(body)["data"]["id"] for path, _, body in hooks[0].seen[before:] if path == "/200"]
    assert held.id not in again
    assert standing.id in again
