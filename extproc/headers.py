"""What changes in the headers and trailers of an answer. Pure.

Values pass the masker like any content. Headers that describe the bytes (length, digests, ranges) go, because masking
may change the bytes. Envoy lets nobody change `x-envoy-*`, so such a header with something to mask is refused.
"""

import re
from collections.abc import Iterable, Sequence

from extproc.commands import HeaderEdit
from extproc.events import Headers
from masking import Finding, Masker
from runtime.errors import GatewayError

DECISION = "x-exeat-decision"
INSPECTED = "x-exeat-inspected"  # the marker guard lets nothing pass without it, and removes it
OUTSIDE = "local"  # its value for local replies that belong to no exchange
ENVOY_REPLY = "x-exeat-reply"  # set by Envoy on its own replies
# RFC 9110 §8.6, §8.8.3, §14; RFC 9530; RFC 3230; RFC 1864
DIGESTS = ("digest", "content-digest", "repr-digest", "content-md5")
OF_THE_BYTES = ("content-length", "etag", *DIGESTS, "accept-ranges", "content-range")
FRAMING = ("connection", "transfer-encoding", "keep-alive", "upgrade", "proxy-connection")  # Envoy's own business
MEDIA = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,80}")


class HeaderFixed(GatewayError):
    """Something that must be masked stands in a header that cannot be changed."""

    code = "header_fixed"


def edit(masker: Masker, headers: Headers, marks: Sequence[tuple[str, str]]) -> tuple[HeaderEdit, Sequence[Finding]]:
    """The edit that masks `headers`, drops what describes the bytes, and sets `marks`. Raises HeaderFixed."""
    plain = [(name, value) for name, value in headers if not name.startswith(":") and name not in FRAMING]
    masked, findings = masker.headers(plain)
    before, after = _grouped(plain), _grouped(masked)
    telling, named = _telling(masker, before)
    after = {name: values for name, values in after.items() if name not in telling}
    findings = (*findings, *named)
    changed = {name: values for name, values in after.items() if before.get(name) != values}
    gone = [name for name in before if name not in after]
    if any(name.startswith("x-envoy-") for name in (*changed, *gone)):
        raise HeaderFixed("a header of Envoy's own holds something that must be masked")
    gone += [name for name in OF_THE_BYTES if name in before and name not in gone]
    put = {name: values for name, values in changed.items() if name not in OF_THE_BYTES}
    put |= {name: (value.encode(),) for name, value in marks}
    return HeaderEdit(tuple(put.items()), tuple(gone)), findings


def _telling(masker: Masker, names: Iterable[str]) -> tuple[set[str], Sequence[Finding]]:
    """Names that hold themselves what must be masked: such a header goes whole."""
    text = "\n".join(names)
    if masker.text(text)[0] == text:
        return set(), ()
    found = {name: masker.text(name) for name in names}
    telling = {name for name, (masked, _) in found.items() if masked != name}
    return telling, [finding for name in telling for finding in found[name][1]]


def _grouped(headers: Sequence[tuple[str, bytes]]) -> dict[str, tuple[bytes, ...]]:
    groups: dict[str, tuple[bytes, ...]] = {}
    for name, value in headers:
        groups[name] = (*groups.get(name, ()), value)
    return groups


def first(headers: Headers, name: str) -> str:
    """The first value of `name` as text, or ""."""
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


def all_of(headers: Headers, name: str) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key == name]


def status(headers: Headers) -> int:
    """The `:status`, or 0 if there is none that is a number."""
    text = first(headers, ":status")
    return int(text) if text.isascii() and text.isdigit() and len(text) == 3 else 0


def essence(content_type: str) -> str:
    """`Text/HTML; charset=x` → `text/html`; "" for anything odd, so that it can stand in an event."""
    media = content_type.partition(";")[0].strip().lower()
    return media if MEDIA.fullmatch(media) else ""
