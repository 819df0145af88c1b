"""A witness of C2SP tlog-witness behind HTTP: remembers one checkpoint per log, cosigns only what extends it.

Written from the witness's side: it takes the request apart by hand and verifies consistency by the algorithm of
RFC 9162 §2.1.4.2, which is not how proofs are made.
"""

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.verify import Key, NoteRefused
from audit.verify.notes import open_checkpoint
from tests.kit.serving import free_port, http


@dataclass
class Witness:
    """`logs`: verifier keys it knows. `answer`: said instead of all, if it is set. `lines`: put before its own line."""

    url: str
    logs: list[Key] = field(default_factory=list)
    name: str = "witness.example/w1"
    now: int = 1_795_180_000
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seen: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[int, int]] = field(default_factory=list)  # (old size, hashes of the proof)
    answer: Response | None = None
    lines: str = ""

    @property
    def _public(self) -> bytes:
        return b"\x04" + self.private.public_key().public_bytes_raw()

    @property
    def _id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self._public).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self._id.hex()}+{base64.b64encode(self._public).decode()}"

    def cosign(self, text: str) -> str:
        message = f"cosignature/v1\ntime {self.now}\n{text}".encode()
        blob = self._id + self.now.to_bytes(8, "big") + self.private.sign(message)
        return f"\u2014 {self.name} {base64.b64encode(blob).decode()}\n"

    def add(self, body: bytes) -> Response:
        head, _, note = body.decode().partition("\n\n")
        first, *proof = head.split("\n")
        old = int(first.removeprefix("old "))
        self.asked.append((old, len(proof)))
        if self.answer is not None:
            return self.answer
        if note.partition("\n")[0] not in {key.name for key in self.logs}:
            return Response(status_code=404)
        try:
            point = open_checkpoint(note, self.logs)
        except NoteRefused:
            return Response(status_code=403)
        size, root = self.seen.get(point.origin, (0, b""))
        if old > point.size:
            return Response(status_code=400)
        if old != size or (old == point.size and root != point.root):
            return Response(f"{size}\n", 409, media_type="text/x.tlog.size")
        if not consistent([base64.b64decode(line) for line in proof], old, point.size, root, point.root):
            return Response(status_code=422)
        self.seen[point.origin] = (point.size, point.root)
        return Response(self.lines + self.cosign(note.rpartition("\n\n")[0] + "\n"))


def consistent(proof: list[bytes], first: int, second: int, old_root: bytes, new_root: bytes) -> bool:
    """RFC 9162 §2.1.4.2."""
    if first == second or first == 0:
        return not proof and (first == 0 or old_root == new_root)
    if first & (first - 1) == 0:
        proof = [old_root, *proof]
    if not proof:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for item in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = _node(item, fr), _node(item, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _node(sr, item)
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr, sn) == (old_root, new_root, 0)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@contextlib.contextmanager
def witness(logs: list[Key]) -> Iterator[Witness]:
    port = free_port()
    made = Witness(f"http://127.0.0.1:{port}/submit/", logs)

    async def add(request: Request) -> Response:
        return made.add(await request.body())

    with http(Starlette(routes=[Route("/submit/add-checkpoint", add, methods=["POST"])]), port):
        yield made
