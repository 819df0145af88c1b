"""Following a change of the log's key with an older key alone: `log.key_rotated` holds a note that both keys signed.

    <origin>/key-rotation
    <verifier key of the old key>
    <verifier key of the new key>

The event may come from anywhere: its note proves itself, and no checkpoint can be taken for one (their second line is
a number). Who stole the old key could have signed one too, so a report says which keys were only followed.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from audit.verify.findings import CannotVerify, Report
from audit.verify.notes import Key, NoteRefused, open_note

EVENT, TEXT = "log.key_rotated", "key-rotation"


def followed(keys: Sequence[Key], notes: Iterable[str], report: Report | None = None) -> list[Key]:
    """`keys`, and every key that one of them handed the log over to, step by step. What else is there is ignored."""
    known, waiting = list(keys), list(notes)
    while waiting:
        fresh, left = _step(known, waiting)
        if not fresh:
            break
        known, waiting = [*known, *fresh], left
        for key in fresh if report is not None else ():
            assert report is not None
            report.note(
                f"the key {key.key_id.hex()} is not one that was given: a given key signed that it took its place, as"
                " whoever stole that key could have; compare it with what the gateway's owner says"
            )
    return known


def _step(known: Sequence[Key], notes: Sequence[str]) -> tuple[list[Key], list[str]]:
    """The keys that are new, and the notes that led nowhere so far."""
    fresh: dict[bytes, Key] = {}
    left: list[str] = []
    for note in notes:
        key = _heir(note, known)
        if key is None:
            left.append(note)
        elif all(key.public != other.public for other in known):
            fresh[key.public] = key
    return list(fresh.values()), left


def _heir(note: str, known: Sequence[Key]) -> Key | None:
    """The key that the note hands the log to; None unless a known key and that key itself signed it."""
    try:
        name, old, new, *_ = note.split("\n")
        before, after = Key.parse(old), Key.parse(new)
        if name != f"{before.name}/{TEXT}" or after.name != before.name or before not in known:
            return None
        open_note(note, [before])
        open_note(note, [after])
    except (NoteRefused, CannotVerify, ValueError):
        return None
    return after


def note_in(body: str | bytes) -> str:
    """The note in an event's body; "" if there is none."""
    try:
        event = json.loads(body)
        note = event["data"]["note"] if event["type"] == EVENT else ""
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return note if isinstance(note, str) else ""


def in_package(folder: Path) -> Iterator[str]:
    """The notes among a package's events."""
    path = folder / "events.jsonl"
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if EVENT.encode() in line:
                yield from _of_line(line)


def _of_line(line: bytes) -> Iterator[str]:
    try:
        body = json.loads(line)["body"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(body, str):
        yield note_in(body)


def in_tiles(root: Path) -> Iterator[str]:
    """The notes in a log's entry bundles, whatever their order."""
    for path in sorted((root / "tile" / "entries").rglob("*")):
        if path.is_file() and EVENT.encode() in (bundle := path.read_bytes()):
            for body in entries(bundle):
                yield note_in(body)


def entries(bundle: bytes) -> list[bytes]:
    """Length-prefixed entries; stops where the bundle is cut off."""
    found, at = [], 0
    while at + 2 <= len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle):
            break
        found.append(bundle[at + 2 : end])
        at = end
    return found
