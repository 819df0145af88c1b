"""Errors of this room."""

from runtime.errors import GatewayError


class UsageDown(GatewayError):
    """The counters cannot be read or written: broken, locked for too long, or a full disk. Nothing is let out."""

    code = "usage_down"
