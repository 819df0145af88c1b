"""What masks an exchange: the current snapshot's rules, with the floor under everything.

The stream asks for a masker when it needs one, so a new snapshot reaches the very next answer. A name that the current
snapshot does not have closes the exchange: what nobody can apply cannot be let go.
"""

import threading
from typing import Protocol

from masking import Keys, Masker
from masking.restore import restorer
from runtime.errors import GatewayError
from snapshot.connections import Connection
from snapshot.current import Current
from snapshot.verdict import Verdict


class UnknownConnection(GatewayError):
    """The verdict names a connection that the current snapshot does not have."""

    code = "unknown_connection"


class Rules(Protocol):
    def connection(self, name: str) -> Connection:
        """Raises UnknownConnection."""
        ...

    def floor(self, verdict: Verdict | None, direction: str) -> Masker:
        """What may be stored; without a verdict, what may leave. Raises an Error if there is no usable snapshot."""
        ...

    def response(self, verdict: Verdict) -> Masker:
        """Floor and the verdict's profiles. Raises an Error if a profile is unknown."""
        ...

    def request(self, verdict: Verdict) -> Masker | None:
        """What changes the request on its way out, if anything does. Raises an Error if a profile is unknown."""
        ...

    def restorer(self, verdict: Verdict) -> Masker:
        """Turns tokens back that were made for this session, which is one caller's."""
        ...

    def kind(self, path: str) -> str:
        """Kind of the connection that a path begins with, or "": for answers before any verdict."""
        ...

    def cold(self, verdict: Verdict) -> bool:
        """Whether what masks this exchange is yet to be read or compiled, which takes up to half a second."""
        ...

    def prepare(self, verdict: Verdict) -> None:
        """Compiles it. Raises an Error if there is no usable snapshot, or a profile is unknown."""
        ...


class SnapshotRules:
    def __init__(self, current: Current, keys: Keys, floor: str) -> None:
        self._current, self._keys, self._floor = current, keys, floor
        self._preparing = threading.Lock()
        self._warm: set[tuple[object, ...]] = set()  # choices of rules of the digest that is their first element

    def connection(self, name: str) -> Connection:
        found = self._current.get().connections.get(name)
        if found is None:
            raise UnknownConnection(f"connection {name} is not in the current snapshot")
        return found

    def floor(self, verdict: Verdict | None, direction: str) -> Masker:
        return self._masker((self._floor,), verdict, direction)

    def response(self, verdict: Verdict) -> Masker:
        return self._masker(tuple(dict.fromkeys((self._floor, *verdict.masking))), verdict, "response")

    def request(self, verdict: Verdict) -> Masker | None:
        return self._masker(verdict.request_masking, verdict, "request") if verdict.request_masking else None

    def restorer(self, verdict: Verdict) -> Masker:
        return Masker(restorer(self._keys, verdict.session.encode()))

    def kind(self, path: str) -> str:
        found = self._current.get().connections.get(path.split("?")[0].strip("/").split("/")[0])
        return found.kind if found else ""

    def cold(self, verdict: Verdict) -> bool:
        return not self._current.settled or self._choice(verdict) not in self._warm

    def prepare(self, verdict: Verdict) -> None:
        choice = self._choice(verdict)
        if choice not in self._warm:
            with self._preparing:  # a burst after a change compiles once, and not once for each of it
                self._compile(choice, verdict)

    def _compile(self, choice: tuple[object, ...], verdict: Verdict) -> None:
        if choice in self._warm:
            return
        maskers = [self.floor(verdict, "request"), self.response(verdict), self.request(verdict)]
        for masker in filter(None, maskers):
            masker.text("0")
            masker.body("text/plain", b"0")  # cut off, as every stream may be
            masker.body("application/json", b'{"a": "0"}')
        self._warm = {known for known in self._warm if known[0] == choice[0]} | {choice}

    def _choice(self, verdict: Verdict) -> tuple[object, ...]:
        profiles = (frozenset(verdict.masking), frozenset(verdict.request_masking))
        return self._current.get().digest, verdict.connection, *profiles

    def _masker(self, profiles: tuple[str, ...], verdict: Verdict | None, direction: str) -> Masker:
        """Tokens join within a session (unless their rule says otherwise), so the session is their tweak."""
        connection, session = (verdict.connection, verdict.session) if verdict else ("", "")
        ruleset = self._current.get().masking
        return ruleset.masker(
            profiles, keys=self._keys, connection=connection, direction=direction, tweak=session.encode()
        )
