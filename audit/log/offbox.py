"""Checkpoints out of this machine's reach: another directory or mount, an S3 bucket with object lock, a timestamp, a
witness.

    Box.put(name, note)   keeps one checkpoint for good; a second, different one of the same name is Conflict
    Box.all()             every note that is kept, also what somebody wrote over in a bucket with versions

The names sort by size: `<origin>/<size, 20 digits>`. What is kept proves itself by its signature.
"""

import base64
import datetime
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import unescape

import httpx

from audit.log.boxes import Box, BoxAway, BoxConflict
from audit.log.s3 import Credentials, Request, query_string, sign
from audit.log.tiles import TileReader
from audit.log.witness import WitnessBox
from audit.write import Value
from runtime.clock import Clock
from runtime.fileio import sync_dir
from runtime.settings import CheckpointTarget, Settings

SECONDS = 20.0
MAX_NOTE = 64 << 10
MAX_PAGES = 10_000


def key_of(origin: str, size: int) -> str:
    return f"{origin}/{size:020d}"


class DirectoryBox:
    """Files that are made once, read-only. As safe as the folder: a mount of another machine, or write-once media."""

    def __init__(self, root: Path) -> None:
        self.name, self._root = str(root), root

    def put(self, key: str, note: bytes) -> None:
        path = self._root / key
        with self._away():
            if not self._root.is_dir():
                raise BoxAway(f"{self._root} is not there; is it mounted?")
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.new")
            temporary.unlink(missing_ok=True)
            with temporary.open("xb") as file:
                os.fchmod(file.fileno(), 0o444)
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)  # unlike a rename, never over one that is there
            except FileExistsError:
                if path.read_bytes() != note:
                    raise BoxConflict(f"{path} holds another checkpoint of the same size") from None
            finally:
                temporary.unlink(missing_ok=True)
            sync_dir(path.parent)

    def all(self, origin: str) -> Iterator[tuple[str, bytes]]:
        with self._away():
            if not self._root.is_dir():
                raise BoxAway(f"{self._root} is not there; is it mounted?")
            for path in sorted((self._root / origin).glob("[0-9]*")):
                with path.open("rb") as file:
                    yield str(path), file.read(MAX_NOTE)

    @contextmanager
    def _away(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BoxAway(f"{self._root}: {error.strerror}") from None


class S3Box:
    """A bucket with object lock (and so with versions): neither we nor who has our keys can delete before the date."""

    def __init__(self, target: CheckpointTarget, keys: Credentials, clock: Clock, client: httpx.Client) -> None:
        assert target.endpoint is not None
        self.name = f"s3://{target.bucket}/{target.prefix}"
        self._target, self._keys, self._clock, self._client = target, keys, clock, client
        self._bucket = f"{target.endpoint.rstrip('/')}/{target.bucket}"

    def put(self, key: str, note: bytes) -> None:
        until = datetime.datetime.fromtimestamp(self._clock.now_us() // 1_000_000, datetime.UTC)
        until += datetime.timedelta(days=self._target.retain_days)
        headers = {
            "content-type": "text/plain; charset=utf-8",
            "content-md5": base64.b64encode(hashlib.md5(note, usedforsecurity=False).digest()).decode(),
            "if-none-match": "*",  # a service that does not know it makes a new version, and both stay
            "x-amz-object-lock-mode": self._target.mode,
            "x-amz-object-lock-retain-until-date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        answer = self._ask("PUT", self._path(key), headers=headers, body=note)
        if answer.status_code in (409, 412):
            if self._ask("GET", self._path(key)).content != note:
                raise BoxConflict(f"{self.name}/{key} holds another checkpoint of the same size")
            return
        self._ok(answer)

    def all(self, origin: str) -> Iterator[tuple[str, bytes]]:
        """Every version: who has our keys can write over a checkpoint, not remove what was there."""
        for key, version in self._versions(f"{self._target.prefix}/{origin}/"):
            answer = self._ask("GET", f"/{quote(key)}", {"versionId": version} if version else {})
            self._ok(answer)
            yield f"s3://{self._target.bucket}/{key}", answer.content[:MAX_NOTE]

    def _versions(self, prefix: str) -> Iterator[tuple[str, str]]:
        query = {"versions": "", "prefix": prefix}
        for _ in range(MAX_PAGES):
            answer = self._ask("GET", "/", query)
            self._ok(answer)
            text = answer.text
            for entry in re.findall(r"<Version>(.*?)</Version>", text, re.DOTALL):
                yield _tag(entry, "Key"), _tag(entry, "VersionId")
            if _tag(text, "IsTruncated") != "true":
                return
            query |= {"key-marker": _tag(text, "NextKeyMarker"), "version-id-marker": _tag(text, "NextVersionIdMarker")}
        raise BoxAway(f"{self.name}: the list of versions has no end")

    def _path(self, key: str) -> str:
        return f"/{quote(f'{self._target.prefix}/{key}')}"

    def _ask(
        self, method: str, path: str, query: dict[str, str] | None = None, *, headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> httpx.Response:  # fmt: skip
        request = Request(method, self._bucket + path, query or {}, headers or {}, body)
        signed = sign(request, self._keys, self._clock.now_us())
        url = f"{request.url}?{query_string(request.query)}" if request.query else request.url
        try:
            return self._client.request(method, url, headers=signed, content=body)
        except httpx.HTTPError as error:
            raise BoxAway(f"{self.name} does not answer: {type(error).__name__}") from None

    def _ok(self, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            code = _tag(answer.text, "Code")  # the service's own error name, never its text
            raise BoxAway(f"{self.name} answered {answer.status_code}{f' {code}' if code.isalnum() else ''}")


def _tag(text: str, name: str) -> str:
    """The text of the first such element of S3's flat XML; a full parser would bring its own holes along."""
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return unescape(found[1], {"&quot;": '"', "&apos;": "'"}) if found else ""


def boxes(settings: Settings, clock: Clock) -> list[tuple[CheckpointTarget, Box]]:
    """Raises BoxAway when a key file cannot be read."""
    log = settings.gateway.state_dir / "log"
    return [(target, _box(target, clock, log)) for target in settings.checkpoint_targets]


def _box(target: CheckpointTarget, clock: Clock, log: Path) -> Box:
    if target.kind == "directory":
        assert target.path is not None
        return DirectoryBox(target.path)
    if target.kind == "timestamp":
        assert target.endpoint is not None
        assert target.ca is not None
        from audit.log.timestamp import TimestampBox  # only who uses one pays for its library

        return TimestampBox(target.endpoint, target.ca, log / "timestamps")
    if target.kind == "witness":
        assert target.endpoint is not None
        return WitnessBox(target.endpoint, target.witness_key, TileReader(log / "tiles"), log / "witnesses", clock)
    assert target.access_key_file is not None
    assert target.secret_key_file is not None
    keys = Credentials(_read(target.access_key_file), _read(target.secret_key_file), target.region)
    return S3Box(target, keys, clock, httpx.Client(timeout=SECONDS, trust_env=False))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise BoxAway(f"{file}: {error.strerror}") from None


class Keeper:
    """Brings the newest checkpoint to one box. Blocking; says what happened once, not at every try."""

    def __init__(self, box: Box, origin: str, newest: Callable[[], tuple[int, bytes] | None]) -> None:
        self.box, self._origin, self._newest = box, origin, newest
        self._kept = -1
        self._trouble = ""

    def step(self) -> list[tuple[str, dict[str, Value]]]:
        """(event type, its data) of what must be recorded."""
        found = self._newest()
        if found is None or found[0] == self._kept:
            return []
        size, note = found
        try:
            self.box.put(key_of(self._origin, size), note)
        except (BoxAway, BoxConflict) as error:
            told = error.code != self._trouble
            self._trouble = error.code
            data: dict[str, Value] = {"target": self.box.name, "size": size, "message": error.message}
            return [(f"log.{error.code}", data)] if told else []
        self._kept = size
        trouble, self._trouble = self._trouble, ""
        return [("log.checkpoint_target_back", {"target": self.box.name, "size": size})] if trouble else []


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What a witness is said to have cosigned. `key`: its verifier key; `notes`: (where, note)."""

    key: str
    every_seconds: int
    notes: list[tuple[str, str]]


@dataclass
class Kept:
    """What the targets hold. `outside`: it is kept where nobody of this machine can delete it."""

    notes: list[tuple[str, str]] = field(default_factory=list)  # (where, note)
    silent: list[str] = field(default_factory=list)  # what could not be read
    outside: bool = False
    timestamped: str = ""  # the newest checkpoint that an authority gave a time
    witnessed: list[Witnessed] = field(default_factory=list)


def kept_notes(settings: Settings, clock: Clock) -> Kept:
    """One target that cannot be read hides no other one, and no witness that must have signed."""
    kept = Kept()
    log = settings.gateway.state_dir / "log"
    for target in settings.checkpoint_targets:
        before = len(kept.notes)
        try:
            box = _box(target, clock, log)
            kept.notes += [(where, note.decode("utf-8", "replace")) for where, note in box.all(settings.gateway.id)]
        except BoxAway as error:
            kept.silent.append(error.message)
        if target.kind == "witness":
            kept.witnessed.append(Witnessed(target.witness_key, target.every_seconds, kept.notes[before:]))
            continue
        if len(kept.notes) == before:
            continue
        if target.kind == "timestamp":
            kept.timestamped = kept.notes[-1][0]
        else:
            kept.outside = True
    return kept
