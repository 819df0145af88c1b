"""The gateway under load, as ratios in one run.    python -m bench.gateway [--seconds S] [--rounds N] [--json]

The stacks take turns, so that each sees the same machine: the upstream itself, Envoy alone, Envoy and authz, the
whole line with masking and strict evidence, and, where `make bench-peers` has installed it, LiteLLM's proxy with its
content filter. "Envoy alone" is the gateway's own configuration with filters taken out. The upstream is an Envoy that
answers by itself. CPU is read from /proc, so this runs on Linux.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.load import Run, cpu, load, request, rss
from snapshot.envoy import envoy_binary, render_bootstrap
from tests.kit import gateway as kit
from tests.kit.gateway import Gateway, eventually
from tests.kit.serving import free_port

ROOT = Path(__file__).resolve().parent.parent
PEER = ROOT / ".venv-peers" / "bin" / "litellm"
PARTS = ("envoy", "authz", "extproc", "engine")
UNLIMITED = "[gateway]\nrequests_per_second = 1000000\naddress_per_second = 1000000"
CHAT, MODELS = "/v1/chat/completions", "/v1/models"
ASKED = {"model": "gpt-5", "messages": [{"role": "user", "content": "What do we know of this customer? " * 8}]}


@dataclass
class Stack:
    """`pids`: whose CPU counts, without the upstream's."""

    name: str
    port: int
    prefix: str
    headers: Mapping[str, str]
    pids: Mapping[str, int]
    runs: list[Run] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)  # µs a request


def answer_of(size: int) -> bytes:
    """A chat completion of about `size` bytes with a card and an e-mail address in it."""
    text = "Ada Lovell, card 4111 1111 1111 1111, writes from ada.lovell@customer.example about the branch. "
    filler = "The account was opened in the spring and has been used little since then. "
    text += filler * max(1, (size - 420) // len(filler))
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 60, "completion_tokens": size // 5, "total_tokens": 60 + size // 5}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-5", "choices": [choice]}
    return json.dumps({**body, "usage": usage}).encode()


def records(size: int) -> bytes:
    """JSON without anything to mask."""
    row = {"id": "m-1", "object": "model", "created": 1, "owned_by": "house", "notes": "nothing to see in here at all"}
    return json.dumps({"object": "list", "data": [row] * (size // len(json.dumps(row)))}).encode()


@contextlib.contextmanager
def envoy(binary: Path, document: Mapping[str, Any], port: int) -> Iterator[int]:
    """An Envoy of its own; its process id."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "envoy.json"
        path.write_text(json.dumps(document))
        argv = [str(binary), "-c", str(path), "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error"]
        with process([*argv, "--disable-hot-restart"], lambda: answers(port)) as pid:
            yield pid


@contextlib.contextmanager
def process(argv: list[str], ready: Callable[[], bool], seconds: float = 60) -> Iterator[int]:
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(ready, bool, seconds)
        yield running.pid
    finally:
        running.terminate()
        running.wait(30)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def upstream(port: int, buffer_bytes: int = 1 << 20) -> dict[str, Any]:
    """Answers chat completions with 2 KB and the list of models with 1 MB; takes bodies of `buffer_bytes`."""

    def route(path: str, body: bytes) -> dict[str, Any]:
        headers = [{"header": {"key": "content-type", "value": "application/json"}}]
        direct = {"status": 200, "body": {"inline_string": body.decode()}}
        return {"match": {"prefix": path}, "direct_response": direct, "response_headers_to_add": headers}

    hosts = [
        {"name": "all", "domains": ["*"], "routes": [route(CHAT, answer_of(2048)), route(MODELS, records(1 << 20))]}
    ]
    routes = {"virtual_hosts": hosts, "max_direct_response_body_size_bytes": 2 << 20}
    filters = "type.googleapis.com/envoy.extensions.filters.http"
    buffer = {"@type": f"{filters}.buffer.v3.Buffer", "max_request_bytes": buffer_bytes}  # an early answer closes
    network = "type.googleapis.com/envoy.extensions.filters.network"
    manager = {
        "@type": f"{network}.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "upstream",
        "route_config": routes,
        "http_filters": [
            {"name": "envoy.filters.http.buffer", "typed_config": buffer},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{filters}.router.v3.Router"}},
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"static_resources": {"listeners": [{"address": address, "filter_chains": [chain]}]}}


def without(house: Gateway, port: int, *filters: str) -> dict[str, Any]:
    """The gateway's own configuration on another port, less some filters."""
    document: dict[str, Any] = json.loads(render_bootstrap(house.settings).read_text())
    del document["admin"]
    document["node"]["id"] += "-" + "-".join(filters)
    listener = document["static_resources"]["listeners"][0]
    listener["address"] = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    manager.pop("access_log", None)
    manager["http_filters"] = [
        each for each in manager["http_filters"] if not any(name in each["name"] for name in filters)
    ]
    return document


def litellm(port: int, upstream_port: int, stack: contextlib.ExitStack) -> int:
    """LiteLLM's proxy with one worker, its content filter on answers; its process id."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    names = ("us_ssn", "visa", "mastercard", "amex", "email", "iban")
    patterns = [{"pattern_type": "prebuilt", "pattern_name": name, "action": "MASK"} for name in names]
    model = {"model": "openai/gpt-5", "api_base": f"http://127.0.0.1:{upstream_port}/v1", "api_key": "sk-none"}
    rule = {"guardrail": "litellm_content_filter", "mode": "post_call", "default_on": True, "patterns": patterns}
    settings = {
        "model_list": [{"model_name": "gpt-5", "litellm_params": model}],
        "guardrails": [{"guardrail_name": "content-filter", "litellm_params": rule}],
        "general_settings": {"master_key": "sk-bench"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    argv = [str(PEER), "--config", str(folder / "config.yaml"), "--host", "127.0.0.1", "--port", str(port)]
    return stack.enter_context(process([*argv, "--num_workers", "1"], lambda: answers(port), 120))


def stacks(house: Gateway, feed: int, open_: contextlib.ExitStack) -> list[Stack]:
    binary = envoy_binary(house.settings)
    token = house.headers(session="bench")
    pids = {name: pid for name in PARTS if (pid := house.supervisor.pid(name))}
    port = int(house.url.rpartition(":")[2])
    found = [Stack("upstream itself", feed, "", {}, {})]
    for name, filters, also in (
        ("Envoy alone", ("ext_authz", "ext_proc", "lua"), ()),
        ("Envoy and authz", ("ext_proc", "lua"), ("authz", "engine")),
    ):
        at = free_port()
        own = open_.enter_context(envoy(binary, without(house, at, *filters), at))
        found.append(Stack(name, at, "/openai", token, {"envoy": own} | {part: pids[part] for part in also}))
    found.append(Stack("whole line", port, "/openai", token, pids))
    if PEER.exists():
        at = free_port()
        pid = litellm(at, feed, open_)
        found.append(Stack("LiteLLM", at, "", {"authorization": "Bearer sk-bench"}, {"litellm": pid}))
    return found


def measure(stack: Stack, raw: bytes, connections: int, seconds: float) -> None:
    before = cpu(stack.pids)
    run = asyncio.run(load(stack.port, raw, connections, seconds))
    spent = {name: value - before[name] for name, value in cpu(stack.pids).items()}
    stack.runs.append(run)
    count = max(1, len(run.latencies))
    stack.cpu.append({name: value / count * 1e6 for name, value in spent.items()})


def line(stack: Stack) -> dict[str, Any]:
    """Medians over the rounds."""
    middle = statistics.median
    return {
        "stack": stack.name,
        "rps": round(middle(run.rps for run in stack.runs), 1),
        "p50_ms": round(middle(run.quantile(0.5) for run in stack.runs), 2),
        "p99_ms": round(middle(run.quantile(0.99) for run in stack.runs), 2),
        "cpu_us": {name: round(middle(each[name] for each in stack.cpu)) for name in stack.pids},
        "rss_mb": {name: round(value) for name, value in rss(stack.pids).items()},
        "failed": sum(run.failed for run in stack.runs),
    }


def workload(found: list[Stack], what: str, connections: int, seconds: float, rounds: int) -> list[dict[str, Any]]:
    chosen = [stack for stack in found if what == "2 KB" or stack.name != "LiteLLM"]  # its list of models is its own
    for stack in chosen:
        stack.runs, stack.cpu = [], []
    for turn in range(rounds + 1):
        for stack in chosen:
            if what == "2 KB":
                raw = request("POST", stack.prefix + CHAT, stack.headers, json.dumps(ASKED).encode())
            else:
                raw = request("GET", stack.prefix + MODELS, stack.headers)
            measure(stack, raw, connections, seconds if turn else 1.0)
            if not turn:  # a first turn for caches and compiled patterns
                stack.runs, stack.cpu = [], []
    return [line(stack) for stack in chosen]


def show(title: str, lines: list[dict[str, Any]]) -> None:
    print(f"\n{title}", flush=True)
    print(f"{'stack':18} {'RPS':>9} {'p50 ms':>8} {'p99 ms':>8} {'failed':>7}  CPU µs/request; RSS MB")
    for each in lines:
        spent = ", ".join(f"{name} {value}" for name, value in each["cpu_us"].items())
        kept = ", ".join(f"{name} {value}" for name, value in each["rss_mb"].items())
        row = f"{each['stack']:18} {each['rps']:9.1f} {each['p50_ms']:8.2f} {each['p99_ms']:8.2f} {each['failed']:7}"
        print(f"{row}  {spent or '-'}; {kept or '-'}")


def main() -> int:
    parser = argparse.ArgumentParser(description="the gateway under load, as ratios in one run")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each stack in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="machine-readable")
    given = parser.parse_args()
    with contextlib.ExitStack() as open_:
        house = open_.enter_context(kit.running(extra=UNLIMITED, upstream=False))
        feed = house.house.ports["upstream"]
        open_.enter_context(envoy(envoy_binary(house.settings), upstream(feed), feed))
        found = stacks(house, feed, open_)
        results = {}
        for what, count in (("2 KB", 16), ("2 KB", 1), ("1 MB", 4)):
            title = f"{what} JSON, {count} connections"
            results[title] = workload(found, what, count, given.seconds, given.rounds)
            if not given.json:
                show(title, results[title])
    if given.json:
        print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
