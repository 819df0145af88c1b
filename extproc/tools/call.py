"""A tool call as people see it, and what can go wrong around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from masking.frames import Event
from runtime.errors import GatewayError

MAX_KEPT = 8 << 20  # bytes; the longest answers of a model are a few hundred KB
MAX_DEPTH = 100
Body = dict[str, Any]


class CallsUnreadable(GatewayError):
    """The answer is not one that its API documents, where a held tool might be called."""

    code = "tool_calls_unreadable"


class KeptTooLong(GatewayError):
    """More came behind a held call than is kept for anybody."""

    code = "hold_buffer_full"


@dataclass(frozen=True, slots=True)
class Call:
    """`key` names the call within its answer; `arguments` is what the model wrote, JSON text usually."""

    key: str
    tool: str
    arguments: str = field(repr=False)


class Dialect(Protocol):
    """The events of one API, read in order; it keeps what must be known of those that are gone already."""

    keep_alive: bytes

    def begins(self, body: Body) -> bool:
        """Whether a call of a held tool begins in this event."""
        ...

    def read(self, body: Body) -> list[Call]:
        """Takes note of an event; the held calls that are whole with it."""
        ...

    def over(self, event: Event, body: Body | None) -> bool:
        """Whether the answer of the model is whole with this event."""
        ...

    @property
    def settled(self) -> bool:
        """Whether an end of the stream here would leave nothing half done."""
        ...

    def render(self, kept: list[Event], refused: Mapping[str, str]) -> bytes:
        """What goes instead of `kept`; `refused`: key of a call → the sentence in its place."""
        ...
