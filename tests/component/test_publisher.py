"""From a directory to the snapshot that decides; and what does not get that far, with its file and line."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.write import Draft, MemoryRecorder, SpoolFull
from runtime.clock import SystemClock
from runtime.settings import Settings
from snapshot import layout, repository, signature
from snapshot.connections import Connection
from snapshot.current import Current
from snapshot.envoy import EnvoyRefused
from snapshot.publish import Publisher
from tests.kit import policies
from tests.kit.engine import SLOW
from tests.kit.envoy import short_folder
from tests.kit.policies import changed

STARTER = Path(__file__).resolve().parents[2] / "policies"


class Envoy:
    """Keeps what it was asked to render; refuses when told to."""

    def __init__(self, story: list[str]) -> None:
        self.story = story
        self.rendered: list[list[str]] = []
        self.refuse = ""

    def validate(self, settings: Settings, connections: Mapping[str, Connection]) -> None:
        if self.refuse:
            raise EnvoyRefused(self.refuse)

    def render(self, settings: Settings, connections: Mapping[str, Connection]) -> None:
        self.story.append("rendered")
        self.rendered.append(sorted(connections))


class Recorder(MemoryRecorder):
    def __init__(self, story: list[str], state: Path) -> None:
        super().__init__()
        self.story, self.state = story, state

    async def record(self, *drafts: Draft) -> None:
        await super().record(*drafts)
        self.story.append(
            f"recorded {drafts[0].type}, current {'moved' if (self.state / 'current').exists() else 'not'}"
        )


class House:
    """A publisher over a small repository, with everything it touches."""

    def __init__(self, folder: Path) -> None:
        self.policies = policies.write(folder / "policies")
        self.state = folder / "state"
        self.story: list[str] = []
        self.envoy = Envoy(self.story)
        self.recorder = Recorder(self.story, self.state)
        self.settings = Settings.model_validate(
            {
                "gateway": {"state_dir": self.state, "run_dir": folder / "run"},
                "policy": {"path": self.policies},
                "engine": {"deadline_ms": 200},
                "secrets": {"key": {"file": folder / "key", "hosts": ["plain.example"]}},
            }
        )
        self.leads_to = ["8.8.8.8"]
        self.publisher = Publisher(self.settings, self.recorder, self.envoy, resolve=self.resolve)

    async def resolve(self, host: str) -> list[str]:
        return self.leads_to

    def problems(self) -> list[str]:
        draft = self.recorder.drafts[-1]
        assert draft.type == "snapshot.refused"
        found: Any = draft.data["problems"]
        return list(found)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_revision_is_recorded_then_rendered_then_current(house: House) -> None:
    await house.publisher.look()
    digest = layout.current(house.state)
    assert house.story == ["recorded snapshot.published, current not", "rendered"]
    data = house.recorder.drafts[0].data
    assert (data["snapshot"], data["previous"], data["connections"]) == (digest, "", ["plain"])
    assert (data["files"], data["tests"]) == (6, 3)
    snapshot = Current(house.state, house.settings.secrets).get()
    assert snapshot.digest == digest
    assert snapshot.connections["plain"].upstream == "https://plain.example"
    assert snapshot.masking.profiles == {"floor", "pci"}
    assert snapshot.roles["readers"].connections == ("plain",)


async def test_without_a_change_nothing_happens_again(house: House) -> None:
    await house.publisher.look()
    await house.publisher.look()
    again = Publisher(house.settings, house.recorder, house.envoy)
    await again.look()  # a restart renders Envoy's files, for they may be gone, and records nothing
    assert house.recorder.types() == ["snapshot.published"]
    assert house.story[1:] == ["rendered", "rendered"]


async def test_a_change_and_the_way_back_are_both_published(house: House) -> None:
    current = Current(house.state, house.settings.secrets)
    digests = []
    for name in ("plain", "other", "plain"):
        policies.write(house.policies, changed("data/connections.yaml", "plain:", f"{name}:"))
        await house.publisher.look()
        digests.append(layout.current(house.state))
        assert list(current.get().connections) == [name]
    assert digests[0] == digests[2] != digests[1]
    assert house.recorder.types() == ["snapshot.published"] * 3
    assert house.envoy.rendered == [["plain"], ["other"], ["plain"]]


def bad_revisions() -> list[Any]:
    """{description, change: {file, old, new}, files: {name: text or null}, want}."""
    cases = yaml.safe_load((Path(__file__).parent / "bad_revisions.yaml").read_text("utf-8"))
    return [pytest.param(_changes(case), case["want"], id=case["description"]) for case in cases]


def _changes(case: dict[str, Any]) -> dict[str, str | None]:
    change = case.get("change")
    text = str(change["new"]).replace("SLOW", SLOW) if change else ""
    return {**case.get("files", {}), **(changed(change["file"], change["old"], text) if change else {})}


@pytest.mark.parametrize(("changes", "words"), bad_revisions())
async def test_a_bad_revision_is_refused_and_the_old_one_serves_on(
    house: House, changes: Mapping[str, str | None], words: str
) -> None:
    await house.publisher.look()
    before = layout.current(house.state)
    policies.write(house.policies, changes)
    await house.publisher.look()
    assert house.recorder.types() == ["snapshot.published", "snapshot.refused"]
    assert any(words in problem for problem in house.problems()), house.problems()
    assert house.recorder.drafts[-1].data["serving"] == before
    assert layout.current(house.state) == before
    assert len(house.envoy.rendered) == 1
    policies.write(house.policies, dict.fromkeys(set(changes) - set(policies.FILES)))
    await house.publisher.look()
    assert house.recorder.types()[2:] == []


async def test_all_mistakes_are_said_at_once(house: House) -> None:
    policies.write(
        house.policies,
        {
            **changed("data/connections.yaml", "https:", "http:"),
            **changed("data/roles.yaml", "groups: [readers]", "groups: readers"),
            **changed("data/masking.yaml", "floor: [{detect: card}]", "floor: [{detect: cards}]"),
        },
    )
    await house.publisher.look()
    assert [problem.split(":")[0] for problem in house.problems()] == [
        "data/connections.yaml",
        "data/masking.yaml",
        "data/roles.yaml",
    ]


async def test_a_symbolic_link_is_refused(house: House) -> None:
    (house.policies / "data/more.yaml").symlink_to("/etc/hostname")
    await house.publisher.look()
    assert house.problems() == ["data/more.yaml: symbolic links are refused in a policy repository"]


async def test_what_envoy_would_refuse_is_not_published(house: House) -> None:
    house.envoy.refuse = "Envoy refuses the rendered configuration"
    await house.publisher.look()
    assert house.problems() == ["data/connections.yaml: Envoy refuses the rendered configuration"]
    with pytest.raises(layout.NoSnapshot):
        layout.current(house.state)


async def test_a_connection_into_the_house_is_refused_with_its_line(house: House) -> None:
    house.leads_to = ["8.8.8.8", "10.0.0.7"]
    await house.publisher.look()
    (problem,) = house.problems()
    assert problem.startswith("data/connections.yaml:")
    assert "plain.example leads to 10.0.0.7" in problem
    assert house.envoy.rendered == []


async def test_a_name_that_comes_to_lead_elsewhere_is_closed_until_it_does_not(house: House) -> None:
    await house.publisher.look()
    house.leads_to = ["169.254.169.254"]
    for _ in range(2):
        await house.publisher.look_up()
    assert house.envoy.rendered == [["plain"], []]
    house.leads_to = []
    await house.publisher.look_up()
    assert house.envoy.rendered[2:] == [["plain"]]
    assert house.recorder.types() == ["snapshot.published", *["connections.withdrawn"] * 2]
    first, second = (draft.data["withdrawn"] for draft in house.recorder.drafts[1:])
    assert (first, second) == (["plain"], [])


async def test_what_cannot_be_recorded_does_not_happen(house: House) -> None:
    house.recorder.fail = SpoolFull("full")
    with pytest.raises(SpoolFull):
        await house.publisher.look()
    assert house.story == []
    with pytest.raises(layout.NoSnapshot):
        layout.current(house.state)
    house.recorder.fail = None
    await house.publisher.look()
    assert house.recorder.types() == ["snapshot.published"]


async def test_the_commit_is_recorded(house: House) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=house.policies, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    await house.publisher.look()
    assert house.recorder.drafts[0].data["commit"] == git("rev-parse", "HEAD")


async def test_a_restart_renders_what_is_current_unless_its_secret_may_not_go_there(house: House) -> None:
    with_key = 'plain: {kind: http, upstream: "https://plain.example", credential: key}\n'
    policies.write(house.policies, {"data/connections.yaml": with_key})
    await house.publisher.look()
    Publisher(house.settings, house.recorder, house.envoy).restore()
    assert house.envoy.rendered == [["plain"], ["plain"]]
    moved = house.settings.model_copy(
        update={"secrets": {"key": house.settings.secrets["key"].model_copy(update={"hosts": ["other.example"]})}}
    )
    with pytest.raises(Exception, match=r"may not be sent to plain\.example"):
        Publisher(moved, house.recorder, house.envoy).restore()
    assert len(house.envoy.rendered) == 2


async def test_the_starter_repository_is_published_as_it_is(house: House) -> None:
    hosts = {"anthropic": "api.anthropic.com", "openai": "api.openai.com", "ledger": "ledger.internal"}
    secrets = {name: {"file": house.state / name, "hosts": [host]} for name, host in hosts.items()}
    gateway = {"state_dir": house.state, "run_dir": house.state / "run"}
    settings = Settings.model_validate({"gateway": gateway, "policy": {"path": STARTER}, "secrets": secrets})
    await Publisher(settings, house.recorder, house.envoy).look()
    assert house.recorder.types() == ["snapshot.published"]
    assert house.recorder.drafts[0].data["connections"] == ["anthropic", "ledger", "openai", "tickets"]


@pytest.mark.envoy
def test_the_process_publishes_refuses_and_stops() -> None:
    with short_folder() as tmp_path:
        _live(tmp_path)


def _live(tmp_path: Path) -> None:
    folder = policies.write(tmp_path / "policies")
    settings = {
        "EXEAT_CONFIG": "",
        "EXEAT_GATEWAY__STATE_DIR": str(tmp_path / "state"),
        "EXEAT_GATEWAY__RUN_DIR": str(tmp_path / "run"),
        "EXEAT_POLICY__PATH": str(folder),
        "EXEAT_POLICY__POLL_SECONDS": "0.1",
    }
    environment = {**os.environ, **settings}  # noqa: TID251 - a child inherits it
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen([sys.executable, "-m", "snapshot"], env=environment, stderr=log) as process:
        try:
            _until(lambda: (tmp_path / "state/current").exists())
            first = layout.current(tmp_path / "state")
            assert b"plain" in (tmp_path / "run/envoy/routes.json").read_bytes()
            policies.write(folder, changed("p.rego", 'subject == "ada"', "subject == someone"))
            _until(lambda: b"p.rego:5: rego_unsafe_var_error" in (tmp_path / "log").read_bytes())
            assert layout.current(tmp_path / "state") == first
            policies.write(folder, changed("data/connections.yaml", "plain:", "fresh:"))
            _until(lambda: layout.current(tmp_path / "state") != first)
            assert b"fresh" in (tmp_path / "run/envoy/routes.json").read_bytes()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_a_repository_that_nobody_of_the_house_signed_is_refused(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    house = House(tmp_path)
    signers = [signature.public_line(key)]
    policy = house.settings.policy.model_copy(update={"signers": signers})
    publisher = Publisher(house.settings.model_copy(update={"policy": policy}), house.recorder, house.envoy)
    await publisher.look()
    assert house.problems() == ["policy.sig: the repository is not signed, and policy.signers asks for a signature"]
    text = signature.sign(repository.read(house.policies), key)
    (house.policies / signature.FILE).write_text(text)
    await publisher.look()
    published = house.recorder.drafts[-1]
    assert published.type == "snapshot.published"
    assert published.data["signer"] == signature.fingerprint(signature.key_of(signers[0]))
    serving = layout.current(house.state)
    (house.policies / "data/roles.yaml").write_text("r: {groups: [g], connections: [plain]}\n")
    await publisher.look()
    assert house.problems() == [
        "policy.sig: the signature is not one of these files: they were changed after it was made"
    ]
    assert layout.current(house.state) == serving


async def test_snapshots_that_stopped_deciding_long_ago_go_and_that_is_recorded(tmp_path: Path) -> None:
    house, digests = House(tmp_path), []
    for number in range(3):
        (house.policies / "data/number.yaml").write_text(f"n: {number}\n")
        await house.publisher.look()
        digests.append(layout.current(house.state))
    assert len(set(digests)) == 3
    old = SystemClock().now_us() / 1_000_000 - 401 * 86_400
    os.utime(layout.folder(house.state, digests[0]), (old, old))
    os.utime(layout.folder(house.state, digests[2]), (old, old))  # old or not, it is the one that decides
    (house.policies / "data/number.yaml").write_text("n: 9\n")
    await house.publisher.look()
    removed = house.recorder.drafts[-1]
    assert (removed.type, removed.data["snapshots"]) == ("snapshot.removed", [digests[0]])
    assert not layout.folder(house.state, digests[0]).exists()
    assert layout.folder(house.state, digests[1]).exists()
    assert layout.folder(house.state, digests[2]).exists()  # its time began when it stopped deciding
