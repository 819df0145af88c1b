"""The input of a stranger: what a policy is warmed up with, and what the cases of a repository are written over."""

from collections.abc import Mapping
from typing import Any

from usage import Amounts
from usage.scopes import SCOPES
from usage.windows import WINDOWS

UNUSED: dict[str, Any] = {scope: {window.name: Amounts().to_input() for window in WINDOWS} for scope in SCOPES}

STRANGER: dict[str, Any] = {
    "exchange": {"id": "00000000-0000-7000-8000-000000000000", "time_us": 1_700_000_000_000_000},
    "identity": {
        "issuer": "https://issuer.invalid",
        "subject": "stranger",
        "email": "",
        "groups": [],
        "agent": "",
        "act": [],
        "client": "",
        "owner": "",
    },
    "request": {"method": "POST", "host": "gateway.invalid", "path": "/", "query": {}, "headers": {}, "size": 0},
    "connection": {"name": "nowhere", "kind": "http", "risk": "standard", "mode": "enforce"},
    "action": {"kind": "http.request"},
    "findings": [],
    "usage": {**UNUSED, "reserved": Amounts().to_input()},
    "session": {"id": "stranger", "source": "token"},
    "time": {"us": 1_700_000_000_000_000},
}


def merged(base: Any, over: Any) -> Any:
    """`over` on top of `base`: mappings by key, anything else replaces."""
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return {**base, **{key: merged(base.get(key), value) for key, value in over.items()}}
    return over
