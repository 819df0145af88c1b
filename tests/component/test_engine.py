"""The embedded engine: OPA's semantics over HTTP, a process that can be killed, a swap that nobody notices."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.engine import SLOW, EngineProcess, engine, publish
from tests.kit.serving import free_port

POLICY = f"""package exeat

default effect := "deny"

effect := "allow" if input.user == "ada"

decision := {{"effect": effect, "snapshot": data.snapshot.digest}}

maybe := "yes" if input.yes

is_false := false

failing := to_number(input.text)

number := input.number + 1

echo := input.text

has_input if input

slow := {SLOW}

big := count(numbers.range(1, 40000000))
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with engine(tmp_path_factory.mktemp("engine"), {"p.rego": POLICY, "data/numbers.yaml": "one: 1"}) as process:
        yield process


def test_a_document_is_in_result(running: EngineProcess) -> None:
    assert running.value("exeat/decision", {"user": "ada"})["effect"] == "allow"
    assert running.value("exeat/decision", {"user": "bob"})["effect"] == "deny"
    assert running.value("numbers", {}) == {"one": 1}
    assert running.value("exeat/is_false", {}) is False


def test_undefined_is_an_empty_object(running: EngineProcess) -> None:
    assert running.post("/v1/data/exeat/maybe", {"input": {}}) == (200, {})
    assert running.post("/v1/data/nowhere/at/all", {"input": {}}) == (200, {})


def test_no_input_and_null_are_the_same_and_opa_warns_of_both(running: EngineProcess) -> None:
    for body in (b"", b"{}", b'{"input": null}', b'{"input":null}'):
        status, answer = running.post("/v1/data/exeat/has_input", body)
        assert status == 200
        assert "result" not in answer
        assert answer["warning"]["code"] == "api_usage_warning"


def test_get_takes_the_input_from_the_query(running: EngineProcess) -> None:
    assert running.get("/v1/data/exeat/effect?input=%7B%22user%22:%22ada%22%7D") == (200, {"result": "allow"})
    assert running.get("/v1/data/exeat/effect") == (200, {"result": "deny"})
    assert running.get("/v1/data/exeat/effect?input=%7B")[0] == 400


TRAILING = pytest.param(b'{"input": 1} x', marks=pytest.mark.embedded("OPA reads no further than the object"))


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"x"', b'{"input": NaN}', TRAILING, b"\xff", b"[" * 5000, b'{"input":"\x01"}']
)
def test_what_is_no_json_object_is_400(running: EngineProcess, body: bytes) -> None:
    status, answer = running.post("/v1/data/exeat/effect", body)
    assert (status, answer["code"]) == (400, "invalid_parameter")


@pytest.mark.embedded("OPA takes larger bodies")
def test_a_body_without_end_is_refused(running: EngineProcess) -> None:
    assert running.post("/v1/data/exeat/effect", b" " * (8 << 20) + b" ")[0] == 413


def test_a_builtin_error_is_500_in_opas_shape(running: EngineProcess) -> None:
    status, answer = running.post("/v1/data/exeat/failing", {"input": {"text": "x"}})
    assert status == 500
    assert answer["code"] == "internal_error"
    (error,) = answer["errors"]
    assert error["code"] == "eval_builtin_error"
    assert (error["location"]["file"], error["location"]["row"]) == ("p.rego", 13)


def test_a_failed_evaluation_leaves_no_content_in_the_log(running: EngineProcess) -> None:
    running.post("/v1/data/exeat/failing", {"input": {"text": "4111 1111 1111 1111"}})
    assert b"4111" not in (running.state_dir / "engine.log").read_bytes()


@pytest.mark.parametrize("text", ["é\u2028😀", 'quote " and \\ slash', "line\nbreak\ttab", "nul \0 within", ""])
def test_text_comes_back_as_it_was(running: EngineProcess, text: str) -> None:
    assert running.value("exeat/echo", {"text": text}) == text


@pytest.mark.embedded("OPA reads another character")
def test_a_lone_surrogate_is_an_error_not_another_text(running: EngineProcess) -> None:
    assert running.post("/v1/data/exeat/echo", b'{"input": {"text": "\\ud800"}}')[0] == 500
    assert running.post("/v1/data/exeat/echo", b'{"input":{"text":"\\ud800"}}')[0] == 500


def test_large_numbers_are_exact(running: EngineProcess) -> None:
    assert running.value("exeat/number", {"number": 2**70}) == 2**70 + 1
    plain = b'{"input":{"number":%d}}' % (2**70)
    assert running.post("/v1/data/exeat/number", plain) == (200, {"result": 2**70 + 1})


def test_a_path_is_only_a_path(running: EngineProcess) -> None:
    assert running.get("/v1/data/exeat/effect;1")[1] == {}
    assert running.get("/v1/data/%22%5D;x:=data%5B%22exeat")[0] == 500
    assert running.get("/v1/data//exeat//effect/")[1] == {"result": "deny"}


def test_of_two_inputs_the_last_one_counts(running: EngineProcess) -> None:
    for spelled in (
        b'{"input":{"user":"bob"},"input":{"user":"ada"}}',
        b'{"input": {"user":"bob"}, "input":{"user":"ada"}}',
    ):
        assert running.post("/v1/data/exeat/effect", spelled) == (200, {"result": "allow"})


@pytest.mark.embedded("OPA offers it")
def test_what_is_not_offered_is_said(running: EngineProcess) -> None:
    assert running.get("/v1/data/exeat/effect?explain=full")[0] == 400
    assert running.get("/v1/policies")[0] == 404
    assert running.get("/v1/database")[0] == 404


@pytest.mark.embedded("OPA has no deadline and no workers that could be killed")
def test_an_overrun_is_killed_and_the_others_go_on(tmp_path: Path) -> None:
    with engine(tmp_path, {"p.rego": POLICY}, deadline_ms=700) as process:
        before = process.workers()
        overrun: list[tuple[int, object]] = []
        thread = threading.Thread(target=lambda: overrun.append(process.post("/v1/data/exeat/slow", b"{}")))
        thread.start()
        answered = 0
        while thread.is_alive():
            assert process.value("exeat/decision", {"user": "ada"})["effect"] == "allow"
            answered += 1
        assert answered > 3
        ((status, answer),) = overrun
        assert status == 503
        assert answer["code"] == "engine_slow"  # type: ignore[index]
        _until(lambda: len(process.workers()) == 2 and process.workers() != before)
        assert len(process.workers() & before) == 1
        assert process.value("exeat/decision", {"user": "ada"})["effect"] == "allow"


@pytest.mark.embedded("OPA has no deadline and no workers that could be killed")
def test_all_workers_overrun_and_it_recovers(tmp_path: Path) -> None:
    with engine(tmp_path, {"p.rego": POLICY}, deadline_ms=500) as process:
        answers: list[int] = []
        asks = [
            threading.Thread(target=lambda: answers.append(process.post("/v1/data/exeat/slow", b"{}")[0]))
            for _ in range(6)
        ]
        for thread in asks:
            thread.start()
        for thread in asks:
            thread.join()
        assert answers == [503] * 6
        _until(lambda: process.post("/v1/data/exeat/decision", {"input": {"user": "ada"}})[0] == 200)


@pytest.mark.embedded("OPA has no deadline and no workers that could be killed")
def test_a_worker_killed_from_outside_is_replaced(tmp_path: Path) -> None:
    with engine(tmp_path, {"p.rego": POLICY}) as process:
        for pid in process.workers():
            os.kill(pid, signal.SIGKILL)
        _until(lambda: process.post("/v1/data/exeat/decision", {"input": {"user": "ada"}})[0] == 200)


@pytest.mark.embedded("OPA has no deadline and no workers that could be killed")
def test_an_evaluation_that_takes_the_memory_dies_alone(tmp_path: Path) -> None:
    with engine(tmp_path, {"p.rego": POLICY}, deadline_ms=10_000) as process:
        status, answer = process.post("/v1/data/exeat/big", b"{}")
        assert (status, answer["code"]) == (503, "engine_died")
        assert process.value("exeat/decision", {"user": "ada"})["effect"] == "allow"
        _until(lambda: len(process.workers()) == 2)


@pytest.mark.embedded("OPA has no deadline and no workers that could be killed")
def test_workers_end_with_the_engine_even_when_it_is_killed(tmp_path: Path) -> None:
    with engine(tmp_path, {"p.rego": POLICY}) as process:
        workers = process.workers()
        assert len(workers) == 2
        process.process.kill()
        process.process.wait()
        _until(lambda: not any(_alive(pid) for pid in workers))


def test_a_new_snapshot_is_swapped_in_without_a_refusal(tmp_path: Path) -> None:
    with engine(tmp_path, {"p.rego": POLICY}) as process:
        stop = threading.Event()
        seen: list[tuple[int, str]] = []

        def ask() -> None:
            while not stop.is_set():
                status, answer = process.post("/v1/data/exeat/decision", {"input": {"user": "eve"}})
                seen.append((status, answer["result"]["effect"]))

        thread = threading.Thread(target=ask)
        thread.start()
        process.publish({"p.rego": POLICY.replace('"ada"', '"eve"')})
        time.sleep(0.2)
        stop.set()
        thread.join()
        assert {status for status, _ in seen} == {200}
        effects = [effect for _, effect in seen]
        assert effects[0] == "deny"
        assert effects[-1] == "allow"
        assert effects == sorted(effects, reverse=True)


@pytest.mark.embedded("its own log says so")
def test_a_snapshot_that_does_not_load_leaves_the_old_one_serving(tmp_path: Path) -> None:
    with engine(tmp_path, {"p.rego": POLICY}) as process:
        publish(tmp_path, {"p.rego": "package exeat\n\ndecision := x"})
        _until(lambda: b"snapshot_not_loaded" in (tmp_path / "engine.log").read_bytes())
        assert process.value("exeat/decision", {"user": "ada"})["effect"] == "allow"
        process.publish({"p.rego": POLICY.replace('"ada"', '"eve"')})


@pytest.mark.embedded("OPA ends without a bundle")
def test_before_the_first_snapshot_nothing_is_decided(tmp_path: Path) -> None:
    with engine(tmp_path) as process:
        assert process.post("/v1/data/exeat/decision", {"input": {}})[0] == 503
        process.publish({"p.rego": POLICY})
        assert process.get("/health") == (200, {})


@pytest.mark.embedded("its own start")
def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        url = f"http://127.0.0.1:{port}"
        result = _run_engine(tmp_path, url)
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr.decode().splitlines()[-1]


@pytest.mark.embedded("its own start")
def test_a_url_that_it_cannot_listen_on_is_one_sentence(tmp_path: Path) -> None:
    result = _run_engine(tmp_path, "https://opa.example/x")
    assert result.returncode == 1
    assert "engine.url" in result.stderr.decode().splitlines()[-1]


def _run_engine(state: Path, url: str) -> subprocess.CompletedProcess[bytes]:
    ours = {"EXEAT_GATEWAY__STATE_DIR": str(state), "EXEAT_ENGINE__URL": url}
    env = {**os.environ, **ours}  # noqa: TID251 - a child inherits it
    return subprocess.run([sys.executable, "-m", "snapshot.engine"], env=env, capture_output=True, timeout=60)


def _until(condition: object) -> None:
    deadline = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
