"""Node programs beside tests: tests/more/<name>/*.mjs, with the packages that stand in build/npm/<name>.

A program reads commands on standard input, one JSON line each, and answers each by one line; it ends with its input.
"""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.kit import more


@dataclass
class Program:
    process: "subprocess.Popen[str]"

    def line(self) -> Any:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, f"the program ended ({self.process.wait(10)})"
        return json.loads(text)

    def ask(self, command: Mapping[str, Any]) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self.line()


@contextlib.contextmanager
def program(name: str, script: str, given: Mapping[str, Any]) -> Iterator[Program]:
    folder = more.package(name)
    command = [shutil.which("node") or more.missing("node is not on this machine", "npm"), str(folder / script)]
    log = folder / "stderr.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*command, json.dumps(given)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    with process:
        try:
            yield Program(process)
        finally:
            process.terminate()


@dataclass
class NpmIssuer:
    """The `oidc-provider` of tests/more/oidc/provider.mjs; its agents are `research-agent-<algorithm>`."""

    program: Program
    url: str

    SECRET = "a secret of the tests: +/%&="
    AGENTS = "urn:exeat:agents"
    ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA")

    def token(self, algorithm: str = "ES256", **form: str) -> str:
        """By client credentials; `resource` (RFC 8707) is the agents' unless it is given."""
        client = {"client_id": f"research-agent-{algorithm}", "client_secret": self.SECRET}
        given = {"grant_type": "client_credentials", "resource": self.AGENTS, **client, **form}
        answer = httpx.post(f"{self.url}/token", data={name: value for name, value in given.items() if value})
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    def rotate(self, *, keep: bool) -> None:
        self.program.ask({"rotate": {"keep": keep}})


@contextlib.contextmanager
def npm_issuer(ttl_s: int = 300) -> Iterator[NpmIssuer]:
    with program("oidc", "provider.mjs", {"ttl": ttl_s}) as running:
        yield NpmIssuer(running, running.line()["issuer"])
