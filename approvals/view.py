"""Everything that an approver gets to see of one held thing, as one document: what was shown is its SHA-256. Pure.

The document is sorted, compact JSON (`MEDIA`), so that anybody can hash it again from the evidence. All of it has been
masked with the floor profile before. An approver reads it with `View.read`; what is no such document is its content.
"""

import json
from dataclasses import asdict, dataclass

from pydantic import TypeAdapter, ValidationError

from approvals.facts import Shown

MEDIA = "application/vnd.exeat.view+json"


@dataclass(frozen=True, slots=True)
class Hit:
    """What a detector found: never the value, but a keyed token where its rule makes one."""

    rule: str
    where: str
    count: int = 1
    token: str = ""


@dataclass(frozen=True, slots=True)
class Previous:
    """The exchange of the same identity, on the same connection and path, that came before this one.

    `difference` is a unified diff of the two masked bodies; "" when they are the same. `note` says why there is none.
    """

    exchange: str
    at_us: int
    difference: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """`content` is the masked input, of type `media`; `digest` and `size` are those of the bytes that were received.

    `tool`: where a call of a model's is held, the tool; then `content` are its arguments. `previous`: None when this
    gateway process knows of none.
    """

    content: str
    media: str = "text/plain"
    digest: str = ""
    size: int = 0
    action: str = ""
    tool: str = ""
    risk: str = ""
    rule: str = ""
    message: str = ""
    reasons: tuple[str, ...] = ()
    findings: tuple[Hit, ...] = ()
    previous: Previous | None = None

    def shown(self) -> Shown:
        text = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return Shown(MEDIA, text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode())

    @classmethod
    def read(cls, shown: Shown) -> "View":
        """Never fails: what is not one of our documents is shown as the text that it is."""
        if shown.media == MEDIA:
            try:
                return _view.validate_json(shown.content)
            except ValidationError:
                pass
        return cls(shown.content.decode("utf-8", "replace"), shown.media, size=len(shown.content))

    @property
    def hits(self) -> int:
        return sum(hit.count for hit in self.findings)


_view: TypeAdapter[View] = TypeAdapter(View)
