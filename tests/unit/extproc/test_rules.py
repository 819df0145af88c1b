"""Which masker an exchange gets."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from extproc.rules import SnapshotRules, UnknownConnection
from masking import Keys
from snapshot.connections import Connection
from tests.kit.masks import PlainMasker
from tests.kit.playbook import verdict


class Recording:
    """Stands where a Ruleset stands and keeps what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def masker(
        self, profiles: tuple[str, ...], *, keys: Keys, connection: str = "", direction: str = "", tweak: bytes = b""
    ) -> PlainMasker:
        self.asked.append((profiles, connection, direction, tweak))
        return PlainMasker()


@pytest.fixture
def ruleset() -> Recording:
    return Recording()


@pytest.fixture
def rules(ruleset: Recording) -> SnapshotRules:
    known = {"anthropic": Connection("anthropic", "anthropic", "https://a")}
    snapshot = SimpleNamespace(connections=known, masking=ruleset, digest="sha256:0")
    current = SimpleNamespace(get=lambda: snapshot, settled=True, snapshot=snapshot)
    return SnapshotRules(current, Keys(bytes(32), bytes(64)), "floor")  # type: ignore[arg-type]


def test_an_answer_passes_the_floor_and_the_verdicts_profiles(rules: SnapshotRules, ruleset: Recording) -> None:
    rules.response(verdict(masking=("pci", "floor", "pii-us")))
    assert ruleset.asked == [(("floor", "pci", "pii-us"), "anthropic", "response", b"s-1")]


def test_a_request_is_stored_behind_the_floor(rules: SnapshotRules, ruleset: Recording) -> None:
    rules.floor(verdict(), "request")
    assert ruleset.asked == [(("floor",), "anthropic", "request", b"s-1")]


def test_a_local_reply_belongs_to_no_session(rules: SnapshotRules, ruleset: Recording) -> None:
    rules.floor(None, "response")
    assert ruleset.asked == [(("floor",), "", "response", b"")]


def test_connections_by_name_and_by_path(rules: SnapshotRules) -> None:
    assert rules.connection("anthropic").upstream == "https://a"
    with pytest.raises(UnknownConnection):
        rules.connection("elsewhere")
    assert rules.kind("/anthropic/v1/messages?x=/openai/") == "anthropic"
    assert rules.kind("/") == rules.kind("") == rules.kind("/elsewhere/x") == ""


def test_a_request_is_changed_by_its_own_profiles_and_never_by_the_floor(
    rules: SnapshotRules, ruleset: Recording
) -> None:
    assert rules.request(verdict()) is None
    rules.request(verdict(request_masking=("entrusted",)))
    assert ruleset.asked == [(("entrusted",), "anthropic", "request", b"s-1")]


def test_each_choice_of_rules_is_prepared_once_in_a_snapshot(rules: SnapshotRules, ruleset: Recording) -> None:
    pci, both = verdict(masking=("pci",)), verdict(masking=("pci",), request_masking=("entrusted",))
    assert rules.cold(pci)
    rules.prepare(pci)
    assert not rules.cold(pci)
    assert rules.cold(both)
    assert [(profiles, direction) for profiles, _, direction, _ in ruleset.asked] == [
        (("floor",), "request"),
        (("floor", "pci"), "response"),
    ]
    rules.prepare(both)
    asked = len(ruleset.asked)
    rules.prepare(both)
    assert len(ruleset.asked) == asked
    current: Any = rules._current
    current.settled = False  # a new snapshot is there, and not read yet
    assert rules.cold(pci)
    current.settled, current.snapshot.digest = True, "sha256:1"
    rules.prepare(pci)
    assert not rules.cold(pci)
    assert rules.cold(both)


def test_many_at_once_prepare_it_once(rules: SnapshotRules, ruleset: Recording) -> None:
    ready = threading.Barrier(6)

    def prepare() -> None:
        ready.wait()
        rules.prepare(verdict(masking=("pci",)))

    threads = [threading.Thread(target=prepare) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ruleset.asked) == 2  # one way and the other, once
