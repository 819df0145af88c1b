"""People signing in to the development issuer: the device flow (RFC 8628) and codes with PKCE (RFC 7636).

Plain state without HTTP; times are Unix seconds given by the caller. Nobody types a password here: one clicks a name.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

DEVICE_LIFETIME_S = 600
DEVICE_INTERVAL_S = 1  # RFC 8628 says 5 when absent; a development issuer need not make people wait
CODE_LIFETIME_S = 60
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no vowels, so no words


class GrantRefused(Exception):
    """An OAuth error answer (RFC 6749 §5.2, RFC 8628 §3.5): the code, then a sentence."""

    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


@dataclass
class Device:
    client: str
    user_code: str
    expires: int
    asked: int = 0
    person: str = ""
    refused: bool = False


@dataclass(frozen=True)
class Code:
    client: str
    redirect_uri: str
    challenge: str
    nonce: str
    person: str
    expires: int
    signed_in: int = 0


@dataclass(frozen=True)
class Refresh:
    client: str
    person: str
    signed_in: int


class SignIns:
    """Pending sign-ins; each code is good once."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self._codes: dict[str, Code] = {}
        self._refreshes: dict[str, Refresh] = {}

    def start_device(self, client: str, now: int) -> tuple[str, Device]:
        letters = "".join(secrets.choice(LETTERS) for _ in range(8))
        device = Device(client, f"{letters[:4]}-{letters[4:]}", now + DEVICE_LIFETIME_S)
        code = secrets.token_urlsafe(32)
        self._devices[code] = device
        return code, device

    def answer_device(self, user_code: str, person: str, now: int) -> bool:
        """The person typed the code and clicked a name (or, with no name, refused). False: no such code."""
        typed = user_code.strip().upper()
        for device in self._devices.values():
            if device.user_code == typed and now < device.expires and not device.person:
                device.person, device.refused = person, not person
                return True
        return False

    def poll_device(self, code: str, client: str, now: int) -> str:
        """The person's name, once. Raises GrantRefused with RFC 8628's codes until then."""
        device = self._devices.get(code)
        if device is None or device.client != client:
            raise GrantRefused("invalid_grant", "unknown device code")
        if now >= device.expires:
            raise GrantRefused("expired_token", "nobody signed in in time")
        if device.refused:
            raise GrantRefused("access_denied", "the person refused")
        if not device.person:
            raise GrantRefused("authorization_pending", "nobody signed in yet")
        del self._devices[code]
        return device.person

    def start_code(self, code: Code) -> str:
        key = secrets.token_urlsafe(32)
        self._codes[key] = code
        return key

    def take_code(self, key: str, client: str, redirect_uri: str, verifier: str, now: int) -> Code:
        """Raises GrantRefused unless client, redirect and PKCE verifier are those of the start."""
        code = self._codes.pop(key, None)
        if code is None or now >= code.expires:
            raise GrantRefused("invalid_grant", "the code is unknown, used or expired")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        same = (code.client, code.redirect_uri) == (client, redirect_uri)
        if not same or not hmac.compare_digest(digest, code.challenge):
            raise GrantRefused("invalid_grant", "the code belongs to another client, redirect or verifier")
        return code

    def start_refresh(self, refresh: Refresh) -> str:
        key = secrets.token_urlsafe(32)
        self._refreshes[key] = refresh
        return key

    def take_refresh(self, key: str, client: str) -> Refresh:
        """Good once: each renewal gives another (RFC 9700 §4.14.2). Raises GrantRefused."""
        refresh = self._refreshes.pop(key, None)
        if refresh is None or refresh.client != client:
            raise GrantRefused("invalid_grant", "the refresh token is unknown, used or another client's")
        return refresh

    def forget_refreshes(self) -> None:
        self._refreshes.clear()
