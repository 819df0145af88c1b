"""What can happen to a stream: Envoy's messages, the answers of other parts, time, and the caller leaving.

Content is never in a `repr`: an event that ends up in an error or a log shows its kind alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from approvals.facts import NOTHING_LESS, Narrowing

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class RequestHeaders(Event):
    """`end`: no body follows. `metadata`: what authz left for us, or None."""

    headers: Headers = field(repr=False)
    end: bool
    metadata: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RequestBody(Event):
    """The whole body (Envoy buffers it). `end` is false only if trailers follow."""

    data: bytes = field(repr=False)
    end: bool


@dataclass(frozen=True, slots=True)
class RequestTrailers(Event):
    """Trailers of a request; their content is of no interest, they are refused."""


@dataclass(frozen=True, slots=True)
class ResponseHeaders(Event):
    headers: Headers = field(repr=False)
    end: bool


@dataclass(frozen=True, slots=True)
class ResponseBody(Event):
    data: bytes = field(repr=False)
    end: bool


@dataclass(frozen=True, slots=True)
class ResponseTrailers(Event):
    headers: Headers = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded(Event):
    """The drafts of the Record command `tag` are durable."""

    tag: str


@dataclass(frozen=True, slots=True)
class RecordFailed(Event):
    tag: str
    code: str


@dataclass(frozen=True, slots=True)
class Asked(Event):
    """The approval exists (it may be older than this stream: a caller came back)."""

    approval: str
    state: str
    narrowing: Narrowing = NOTHING_LESS
    key: str = ""  # of a call in an answer; "": of the request itself


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """How the approval ended: granted, refused, expired or withdrawn; `message` is the approver's, for the caller."""

    state: str
    message: str = ""
    narrowing: Narrowing = NOTHING_LESS
    key: str = ""


@dataclass(frozen=True, slots=True)
class Consumed(Event):
    """Whether the one release of the grant was ours."""

    ours: bool
    key: str = ""


@dataclass(frozen=True, slots=True)
class HoldFailed(Event):
    """The approvals service gave no usable answer."""

    code: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Revoked(Event):
    """Somebody of the house stopped the caller of this exchange; the id of the revocation."""

    revocation: str


@dataclass(frozen=True, slots=True)
class Deadline(Event):
    """The timer `name` ran out."""

    name: str


@dataclass(frozen=True, slots=True)
class Gone(Event):
    """Envoy ended the stream: the caller left, or everything is over."""


@dataclass(frozen=True, slots=True)
class Broken(Event):
    """Envoy sent something that has no meaning here, or a shell failed."""

    code: str
