"""`exeat approvals` and `exeat token` as one types them, against the real service and the real development issuer."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from click.testing import CliRunner, Result

from approvals.client import Held, HoldsClient
from approvals.facts import Ask, Shown
from console.cli import main
from snapshot.decision import ApprovalTerms
from tests.kit.approvals import Service, ask, running


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running() as service:
        yield service


@pytest.fixture
def run(service: Service) -> Any:
    def run(*arguments: str, **environment: str) -> Result:
        config = str(service.folder / "exeat.toml")
        return CliRunner().invoke(main, ["-c", config, *arguments], env={"EXEAT_TOKEN": None, **environment})

    return run


def held(service: Service, asked: Ask) -> Held:
    async def request() -> Held:
        async with HoldsClient(service.holds) as holds:
            return await holds.request(asked)

    return asyncio.run(request())


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def test_list_show_grant(service: Service, run: Any) -> None:
    card = held(service, ask(received_digest="1" * 64))
    listed = json.loads(run("approvals", "list", "--as", "alice", "--json").stdout)
    assert {"requested"} == {entry["state"] for entry in listed if entry["id"] == card.id}
    shown = run("approvals", "show", card.id, "--as", "alice").stdout
    assert '"amount": 4711' in shown
    assert "acts for   dave@bank.example" in shown
    granted = run("approvals", "grant", card.id, "--as", "alice", "--justification", "checked")
    assert granted.stdout == f"{card.id} is granted.\n"
    again = run("approvals", "grant", card.id, "--as", "bob")
    assert (again.exit_code, again.stderr) == (2, "It is already granted.\n")


def test_refuse_by_the_beginning_of_an_id(service: Service, run: Any) -> None:
    card = held(service, ask(received_digest="2" * 64))
    assert run("approvals", "refuse", card.id[:4], "--as", "bob").exit_code == 2, "too short to be sure"
    refused = run("approvals", "refuse", card.id[:30], "--as", "bob", "--json")
    assert json.loads(refused.stdout)["refused_by"] == "bob@bank.example"


def test_two_people_are_needed(service: Service, run: Any) -> None:
    terms = ApprovalTerms(any=("ledger-approvers",), quorum=2)
    card = held(service, ask(received_digest="3" * 64, terms=terms))
    first = run("approvals", "grant", card.id, "--as", "alice").stdout
    assert first == f"{card.id} is requested; 1 more must say yes.\n"
    assert run("approvals", "grant", card.id, "--as", "bob").stdout == f"{card.id} is granted.\n"


def test_an_agents_text_does_not_steer_the_terminal(service: Service, run: Any) -> None:
    nasty = Shown("text/plain", "\x1b[2J\x1b]0;owned\x07 \u202egnihtemos".encode())
    card = held(service, ask(received_digest="4" * 64, shown=nasty, message="a\x1b[31mb"))
    for arguments in (("list",), ("show", card.id)):
        said = run("approvals", *arguments, "--as", "alice").stdout
        assert "\x1b" not in said
        assert "\u202e" not in said


def test_the_token_may_come_from_the_environment_or_an_option(service: Service, run: Any) -> None:
    token = service.issuer.person_token("alice")
    assert run("approvals", "list", EXEAT_TOKEN=token).exit_code == 0
    assert run("approvals", "list", "--token", token).exit_code == 0
    agent = run("approvals", "list", "--token", service.issuer.agent_token("ledger-agent"))
    assert agent.exit_code == 2
    assert "not accepted" in agent.stderr


def test_nothing_waits_for_who_has_no_part_in_it(run: Any) -> None:
    assert run("approvals", "list", "--as", "erin").stdout == "Nothing waits for your answer.\n"


def test_a_service_that_is_away_is_one_sentence(service: Service, run: Any) -> None:
    token = service.issuer.person_token("alice")
    away = run("approvals", "list", "--token", token, EXEAT_GATEWAY__RUN_DIR=str(service.folder / "nowhere"))
    assert (away.exit_code, away.stderr.count("\n")) == (1, 1)
    assert "gives no answer" in away.stderr


def test_token_prints_a_token_and_nothing_else(run: Any) -> None:
    printed = run("token", "--as", "research-agent")
    assert printed.stdout.count("\n") == 1
    assert claims(printed.stdout.strip())["aud"] == "exeat"
    assert claims(run("token", "--as", "alice").stdout.strip())["aud"] == "exeat-people"


def test_token_by_client_credentials(service: Service, run: Any, tmp_path: Path) -> None:
    secret = service.issuer.secrets["ledger-agent"]
    (tmp_path / "secret").write_text(secret + "\n")
    by_file = run("token", "--client-id", "ledger-agent", "--client-secret-file", str(tmp_path / "secret"))
    by_variable = run("token", "--client-id", "ledger-agent", EXEAT_CLIENT_SECRET=secret)
    for printed in (by_file, by_variable):
        assert claims(printed.stdout.strip())["sub"] == "ledger-agent"


def test_token_by_device_flow(service: Service, run: Any) -> None:
    def sign_in() -> None:
        for _ in range(200):
            for device in list(service.issuer.sign_ins._devices.values()):
                form = {"user_code": device.user_code, "username": "bob"}
                httpx.post(f"{service.issuer.url}/device", data=form, trust_env=False)
                return
            threading.Event().wait(0.05)

    person = threading.Thread(target=sign_in)
    person.start()
    printed = run("token", "--device")
    person.join()
    assert claims(printed.stdout.strip())["sub"] == "bob"
    assert "the code is" in printed.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "say how"),
        (("--as", "alice", "--device"), "say how"),
        (("--as", "mallory"), "nobody here is called 'mallory'"),
        (("--client-id", "ledger-agent"), "the client secret is missing"),
        (("--as", "alice", "--issuer", "http://issuer.example"), "is not https"),
        (("--as", "alice", "--issuer", "http://127.0.0.1:9"), "gives no answer"),
    ],
)
def test_token_errors_are_sentences(run: Any, arguments: tuple[str, ...], says: str) -> None:
    printed = run("token", *arguments, EXEAT_CLIENT_SECRET="")
    assert printed.exit_code in (1, 2)
    assert printed.stdout == ""
    assert says in printed.stderr
    assert printed.stderr.count("\n") == 1


def test_token_with_a_wrong_secret(run: Any) -> None:
    printed = run("token", "--client-id", "ledger-agent", EXEAT_CLIENT_SECRET="wrong")
    assert (printed.exit_code, printed.stdout) == (2, "")
    assert "invalid_client" in printed.stderr
