"""People's own words, masked with the floor profile of the snapshot in force before they are stored or passed on."""

from collections.abc import Callable
from contextlib import suppress

from approvals.errors import NotAllowed
from masking import Blocked, Keys, Masker
from runtime.errors import Error
from snapshot.current import Snapshot


class Floor:
    """`floor("text")`; nothing is stored unmasked, so without a snapshot only the empty text passes."""

    def __init__(self, snapshot: Callable[[], Snapshot], keys: Callable[[], Keys], profile: str) -> None:
        self._snapshot, self._keys, self._profile = snapshot, keys, profile
        self._digest = ""
        self._masker: Masker | None = None

    def __call__(self, text: str) -> str:
        """Raises NotAllowed for words that may not be stored at all, GatewayError when there is nothing to mask by."""
        if not text:
            return text
        try:
            return self._current().text(text)[0]
        except Blocked as blocked:
            raise NotAllowed(f"your words hold {blocked.rule}, which may not be stored: leave it out") from None

    def prepare(self) -> None:
        """Compiles the rules, which takes half a second, so that the first answer need not wait for it."""
        with suppress(Error):  # no snapshot yet
            self._current()

    def _current(self) -> Masker:
        snapshot = self._snapshot()
        if self._masker is None or snapshot.digest != self._digest:
            self._masker = snapshot.masking.masker([self._profile], keys=self._keys())
            self._digest = snapshot.digest
        return self._masker
