"""MCP: JSON-RPC messages (spec 2025-06-18, "Transports"), each whole in its event, as it is whole in a JSON answer.

Nothing is told in pieces, so nothing is held: an event goes, masked, as soon as it is there. That matters for the
`endpoint` event of the older transport, without which a client never sends anything.
"""

from masking.dialects.desk import Body, Desk
from masking.frames import Event


class MCP:
    """JSON-RPC requests, answers and notifications."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @staticmethod
    def claims(body: Body) -> bool:
        return body.get("jsonrpc") == "2.0"

    def handle(self, event: Event, body: Body) -> None:
        self._desk.whole(event)

    def flush(self, *, closed: bool = True) -> None:
        """Nothing is held."""

    def finish(self) -> None:
        """Nothing is held."""
