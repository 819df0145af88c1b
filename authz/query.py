"""The query string, as policies see it. Pure."""

import re
from urllib.parse import unquote_to_bytes

from authz.errors import CredentialsMisplaced, PathRefused

MAX_FIELDS = 100
# RFC 6750 §2.3 and what APIs call it; a query ends up in logs, histories and Referer headers
CREDENTIALS = frozenset(
    {
        "access_token",
        "oauth_token",
        "id_token",
        "token",
        "api_key",
        "api-key",
        "apikey",
        "x-api-key",
        "authorization",
        "bearer",
        "jwt",
    }
)
TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.")  # a JWT begins with {" in base64url


def fields(query: str, keys: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Decoded names and values, in order (WHATWG URL §5.1: `&` separates, `+` is a space).

    `keys`: names that hold a credential in this API alone.
    Raises PathRefused, and CredentialsMisplaced for what looks like a token.
    """
    found: dict[str, list[str]] = {}
    pairs = [part.partition("=") for part in query.split("&") if part]
    if len(pairs) > MAX_FIELDS:
        raise PathRefused(f"The query has more than {MAX_FIELDS} fields.")
    for raw_name, _, raw_value in pairs:
        name, value = _decoded(raw_name), _decoded(raw_value)
        if name.lower() in CREDENTIALS | keys or TOKEN.search(value):
            raise CredentialsMisplaced("A credential in the query is not accepted; send it as a header.")
        found.setdefault(name, []).append(value)
    return found


def _decoded(text: str) -> str:
    try:
        decoded = unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise PathRefused("The query encodes something that is not UTF-8.") from None
    if "\0" in decoded:
        raise PathRefused("The query encodes NUL.")
    return decoded
