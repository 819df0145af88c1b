"""Putting Envoy's access log aside before it grows too long, with its hash in the record. Blocking.

    access.log → access.log.rotating → (Envoy opens a new one) → hash recorded → access.log-<time>

    envoy.log_rotated {file, bytes, sha256}   from then on a change of that file shows in `exeat audit reconcile`
    envoy.log_removed {file}                  before the oldest of too many goes

A crash in between leaves `access.log.rotating`, and the next look goes on from there.
"""

import datetime
import hashlib
from pathlib import Path

from audit.write.event import Draft, Kind, Value
from runtime.clock import Clock

LOG, ROTATING = "access.log", "access.log.rotating"


class LogRotation:
    def __init__(self, folder: Path, max_bytes: int, keep: int, clock: Clock) -> None:
        """`max_bytes` 0: never; `keep` 0: all."""
        self._log, self._rotating = folder / LOG, folder / ROTATING
        self._max_bytes, self._keep, self._clock = max_bytes, keep, clock

    def due(self) -> bool:
        """Moves a log that is long enough aside. True: Envoy must be told to open its log anew."""
        if self._rotating.exists():
            return not self._log.exists()  # it was told, or whoever told it died before
        try:
            if not self._max_bytes or self._log.stat().st_size < self._max_bytes:
                return False
            self._log.rename(self._rotating)
        except FileNotFoundError:
            return False
        return True

    def closed(self) -> Draft | None:
        """What must be recorded of a log that Envoy does not write to any more; then `name` it."""
        if not (self._rotating.exists() and self._log.exists()):
            return None
        with self._rotating.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        data: dict[str, Value] = {"file": self._name(), "bytes": size, "sha256": digest}
        return Draft(Kind.LIFECYCLE, "envoy.log_rotated", data=data)

    def name(self, recorded: Draft) -> None:
        self._rotating.rename(self._log.with_name(str(recorded.data["file"])))

    def surplus(self) -> list[Path]:
        """The oldest of those that are more than are kept."""
        aside = sorted(self._log.parent.glob(f"{LOG}-*"))
        return aside[: -self._keep] if self._keep else []

    def _name(self) -> str:
        stamp = datetime.datetime.fromtimestamp(self._clock.now_us() // 1_000_000, datetime.UTC)
        name = f"{LOG}-{stamp:%Y%m%dT%H%M%SZ}"
        taken = len(list(self._log.parent.glob(f"{name}*")))
        return f"{name}.{taken}" if taken else name


def removed(file: Path) -> Draft:
    return Draft(Kind.LIFECYCLE, "envoy.log_removed", data={"file": file.name})
