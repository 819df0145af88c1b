"""A masker that a test can see through: SECRET becomes [MASKED], also over chunk edges; BINARY cannot be read."""

from collections.abc import Sequence
from typing import Any

from extproc.rules import UnknownConnection
from masking import Finding, Masked, Uninspectable, UnknownProfile
from snapshot.connections import Connection
from snapshot.verdict import Verdict

SECRET, MASKED = b"SECRET", b"[MASKED]"
READABLE = ("application/json", "text/")


class PlainStream:
    """Holds back what may still become the word it looks for, like the real one."""

    def __init__(self, fail: Exception | None, word: bytes = SECRET, instead: bytes = MASKED) -> None:
        self._held, self._findings, self._fail = b"", list[Finding](), fail
        self.watch: Any = None
        self._word, self._instead = word, instead

    encoded = False

    def feed(self, data: bytes) -> bytes:
        if self._fail:
            raise self._fail
        whole, word = self._held + data, self._word
        if b"BINARY" in whole:
            raise Uninspectable("binary")
        if self.watch:
            self.watch(data)
        count = whole.count(word)
        self._findings += [Finding("secret", "1", "$", "redact", count)] * bool(count)
        whole = whole.replace(word, self._instead)
        keep = next((n for n in range(len(word) - 1, 0, -1) if whole.endswith(word[:n])), 0)
        self._held = whole[len(whole) - keep :]
        return whole[: len(whole) - keep]

    def finish(self, *, complete: bool = False) -> bytes:
        held, self._held = self._held, b""
        return held

    def take_findings(self) -> list[Finding]:
        taken, self._findings = self._findings, []
        return taken


class PlainMasker:
    def __init__(self, fail: Exception | None = None, word: bytes = SECRET, instead: bytes = MASKED) -> None:
        self.fail = fail
        self.word, self.instead = word, instead

    def stream(self, media: str, *, encoding: str = "identity") -> Any:
        if encoding != "identity" or not media.startswith(READABLE):
            raise Uninspectable("cannot be read")
        return PlainStream(self.fail, self.word, self.instead)

    def body(self, media: str, data: bytes, *, encoding: str = "identity", complete: bool = False) -> Masked:
        stream = self.stream(media, encoding=encoding)
        return Masked(stream.feed(data) + stream.finish(), tuple(stream.take_findings()))

    def text(self, text: str) -> tuple[str, tuple[Finding, ...]]:
        found = (Finding("secret", "1", "$", "redact"),) if SECRET.decode() in text else ()
        return text.replace(SECRET.decode(), MASKED.decode()), found

    def target(self, text: str) -> tuple[str, tuple[Finding, ...]]:
        return self.text(text)

    def headers(self, headers: Sequence[tuple[str, bytes]]) -> tuple[list[tuple[str, bytes]], tuple[Finding, ...]]:
        found = tuple(Finding("secret", "1", name, "redact") for name, value in headers if SECRET in value)
        return [(name, value.replace(SECRET, MASKED)) for name, value in headers], found


class PlainRules:
    """The fake of extproc.rules.Rules."""

    def __init__(self, *known: Connection, profiles: tuple[str, ...] = ("pci",)) -> None:
        self.known = {item.name: item for item in known} or {
            "anthropic": Connection("anthropic", "anthropic", "https://a")
        }
        self.profiles = profiles
        self.fail: Exception | None = None  # raised by masking a chunk
        self.down: Exception | None = None  # raised instead of a masker

    def connection(self, name: str) -> Connection:
        if name not in self.known:
            raise UnknownConnection
        return self.known[name]

    def floor(self, verdict: Verdict | None, direction: str) -> Any:
        if self.down:
            raise self.down
        return PlainMasker(self.fail)

    def response(self, verdict: Verdict) -> Any:
        for profile in verdict.masking:
            if profile not in self.profiles:
                raise UnknownProfile(profile)
        return self.floor(verdict, "response")

    def request(self, verdict: Verdict) -> Any:
        for profile in verdict.request_masking:
            if profile not in self.profiles:
                raise UnknownProfile(profile)
        return self.floor(verdict, "request") if verdict.request_masking else None

    def restorer(self, verdict: Verdict) -> Any:
        return PlainMasker(None, MASKED, SECRET)

    def kind(self, path: str) -> str:
        found = self.known.get(path.split("/")[1])
        return found.kind if found else ""

    def cold(self, verdict: Verdict) -> bool:
        return False

    def prepare(self, verdict: Verdict) -> None:
        self.response(verdict)
        self.request(verdict)
