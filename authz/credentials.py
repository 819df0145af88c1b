"""The caller's token: `Authorization: Bearer` (RFC 6750 §2.1), or where a provider's clients put its key. Pure.

`x-api-key` is Anthropic's, `api-key` Azure's, `x-goog-api-key` Google's.
"""

from authz.errors import CredentialsAmbiguous, CredentialsMisplaced
from authz.headers import CREDENTIALS as CREDENTIALS_HEADERS
from authz.headers import Headers
from authz.query import CREDENTIALS, TOKEN
from identity.errors import TokenMalformed, TokenMissing

KEYS = tuple(name for name in CREDENTIALS_HEADERS if name != "authorization")
COOKIE_NAMES = CREDENTIALS | {"session_token", "bearer_token"}


def token(headers: Headers) -> str:
    """The one token. Some clients send it in both headers; two different ones have no meaning.

    Raises TokenMissing, TokenMalformed, CredentialsAmbiguous, CredentialsMisplaced.
    """
    _check_cookies(headers)
    found = {_bearer(value) for value in headers.all("authorization")}
    found |= {_plain(value) for name in KEYS for value in headers.all(name)}
    if len(found) > 1:
        raise CredentialsAmbiguous("Two different credentials were sent at once.")
    if not found:
        raise TokenMissing("No token was sent. Send an OIDC access token as Authorization: Bearer or x-api-key.")
    return found.pop()


def _bearer(value: bytes) -> str:
    scheme, _, rest = _plain(value).partition(" ")
    if scheme.lower() != "bearer" or not rest.strip():
        raise TokenMalformed("The Authorization header holds no Bearer token.")
    return rest.strip()


def _plain(value: bytes) -> str:
    try:
        return value.decode("ascii").strip()
    except UnicodeDecodeError:
        raise TokenMalformed("The credential is not ASCII.") from None


def _check_cookies(headers: Headers) -> None:
    for line in headers.all("cookie"):
        for part in line.decode("latin-1").split(";"):
            name, _, value = part.strip().partition("=")
            if name.lower() in COOKIE_NAMES or TOKEN.search(value):
                raise CredentialsMisplaced("A credential in a cookie is not accepted; send it as a header.")
