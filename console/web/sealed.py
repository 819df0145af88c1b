"""A sign-in on its way, sealed into a cookie (AES-256-GCM): the console keeps nothing for strangers.

The key lives as long as the process; a sign-in that a restart interrupts begins again.
"""

import base64
import json
import secrets
from dataclasses import asdict

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from identity.code_flow import Started

NONCE_BYTES = 12
MAX_SEALED = 4000  # what browsers keep of a cookie
PURPOSE = b"exeat console sign-in"


class Seal:
    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(256))

    def close(self, started: Started) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, json.dumps(asdict(started)).encode(), PURPOSE)
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, sealed: str) -> Started | None:
        """None unless this process made it."""
        if len(sealed) > MAX_SEALED:
            return None
        try:
            data = base64.urlsafe_b64decode(sealed.encode("ascii"))
            return Started(**json.loads(self._cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], PURPOSE)))
        except (InvalidTag, ValueError):
            return None
