"""What keeps checkpoints elsewhere, and how it fails."""

from collections.abc import Iterator
from typing import Protocol

from runtime.errors import GatewayError


class BoxAway(GatewayError):
    """It did not keep the checkpoint, or we do not know: try again."""

    code = "checkpoint_target_away"


class BoxConflict(GatewayError):
    """It holds another checkpoint under this name: somebody signed two histories, or wrote there."""

    code = "checkpoint_target_conflict"


class Box(Protocol):
    """Blocking. Every method may raise BoxAway, `put` also BoxConflict."""

    name: str

    def put(self, key: str, note: bytes) -> None: ...

    def all(self, origin: str) -> Iterator[tuple[str, bytes]]:
        """(where it is kept, the note)."""
        ...
