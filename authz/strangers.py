"""Whoever comes without a token that counts may not make us work: too many failures from one address, and the next
unknown token from there is turned away unread. Tokens that are known pass meanwhile. Pure.

A bucket per address: each failure takes one, `per_second` come back. Envoy has counted before us (`snapshot/envoy`):
what carries no token at all, and all requests of one address; here it is about tokens that look like some.
"""

import ipaddress
from collections import OrderedDict

from authz.errors import RequestRefused

MOST = 10_000  # addresses remembered; the one that failed longest ago is forgotten first
SECOND_US = 1_000_000
V6_PREFIX = 64  # what one caller is given to choose addresses from


class TooManyFailures(RequestRefused):
    code = "too_many_failures"
    status = 429

    def __init__(self) -> None:
        super().__init__("Too many requests without a valid token came from your address. Wait a moment.")


class Strangers:
    def __init__(self, per_second: int) -> None:
        self._rate, self._most = per_second, 2 * per_second
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()  # place → (failures left, when, microseconds)

    def check(self, address: str, now_us: int) -> None:
        """Raises TooManyFailures."""
        if self._now(place(address), now_us) < 1:
            raise TooManyFailures

    def failed(self, address: str, now_us: int) -> None:
        here = place(address)
        self._left[here] = (max(0.0, self._now(here, now_us) - 1), now_us)
        self._left.move_to_end(here)
        if len(self._left) > MOST:
            self._left.popitem(last=False)

    def _now(self, here: str, now_us: int) -> float:
        left, at_us = self._left.get(here, (float(self._most), now_us))
        return min(float(self._most), left + max(0, now_us - at_us) * self._rate / SECOND_US)

    def __len__(self) -> int:
        return len(self._left)


def place(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 one. What is no address (a pipe) is one place."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found, V6_PREFIX), strict=False))
    return str(found)
