"""Events of no dialect that we know: each is masked as the whole it is."""

from masking.dialects.desk import Body, Desk
from masking.frames import Event


class Unknown:
    """Events that are complete in themselves."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def handle(self, event: Event, body: Body) -> None:
        self._desk.whole(event)

    def flush(self, *, closed: bool = True) -> None:
        """Nothing is held."""

    def finish(self) -> None:
        """Nothing is held."""
