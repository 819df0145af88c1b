"""The inside of a verified token: claims become an `Identity`, with exact types (RFC 8725 §3.9, RFC 7519 §4.1). Pure.

A claim that is present and of the wrong type refuses the token; it is never repaired, nor passed over. Where claims
stand is a setting (`issuers[].claims`): a name as it is, else a dotted path into objects.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from identity.errors import TokenAudience, TokenClaims, TokenExpired
from runtime.settings import Issuer

MAX_TEXT = 256  # characters of a subject, an e-mail address, a group; the verdict that carries them holds 2 KB
MAX_GROUPS = 500
MAX_ACTORS = 5  # delegations that anyone could still explain
LAST_SECOND = 253_402_300_799  # the end of year 9999: later is not a time but a mistake
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256, base64url
Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """The verified caller. Times are unix seconds; `act` is the delegation chain (RFC 8693 §4.1), outermost first.

    `owner` is the e-mail or subject of the person whom the agent acts for, "" when the token names nobody. `cnf` is the
    thumbprint (`x5t#S256`) of the client certificate without which the token does not count (RFC 8705 §3.1).
    """

    issuer: str
    subject: str
    email: str = ""
    groups: tuple[str, ...] = ()
    agent: str = ""
    act: tuple[str, ...] = ()
    jti: str = ""
    sid: str = ""
    expires_at: int = 0
    auth_time: int | None = None
    owner: str = ""
    amr: tuple[str, ...] = ()
    client: str = ""  # the OAuth client that holds the token (azp, client_id; RFC 9068 §2.2), agent or not
    cnf: str = ""


def identify(claims: Claims, issuer: Issuer, now: int, foreign: frozenset[str] = frozenset()) -> Identity:
    """`now`: unix seconds; `foreign`: audiences that a token may not name beside ours.

    Raises TokenExpired, TokenAudience or TokenClaims.
    """
    expires_at = _check_times(claims, issuer.skew_seconds, now)
    _check_audience(claims.get("aud"), issuer.audiences, foreign)
    paths = issuer.claims
    subject = _text(find(claims, paths.subject), paths.subject)
    if not subject:
        raise TokenClaims(f"The token has no {paths.subject}.")
    email = _email(claims, paths.email)
    act = _actors(claims.get("act"))
    agent = _text(find(claims, paths.agent), paths.agent) or _text(claims.get("client_id"), "client_id")
    # a delegated token's subject is the person, its actor the agent (RFC 8693 §1.1)
    owner = _text(find(claims, paths.owner), paths.owner) or ((email or subject) if act else "")
    return Identity(
        issuer=issuer.issuer,
        subject=subject,
        email=email,
        groups=_groups(claims, paths.groups),
        agent=agent or (act[0] if act else ""),
        act=act,
        jti=_text(claims.get("jti"), "jti"),
        sid=_text(claims.get("sid"), "sid"),
        expires_at=expires_at,
        auth_time=_seconds(claims, "auth_time"),
        owner=owner,
        client=_text(claims.get("azp"), "azp") or _text(claims.get("client_id"), "client_id"),
        amr=_texts(claims.get("amr", []), "amr"),
        cnf=_confirmation(claims.get("cnf")),
    )


def find(claims: Claims, path: str) -> object:
    """The claim named `path`, else the value at the dotted path, else None.

    Names may hold dots themselves (URLs, `kubernetes.io`): the longest name that is there is taken first.
    """
    if path in claims:
        return claims[path]
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        inner = claims.get(".".join(parts[:end]))
        if isinstance(inner, Mapping):
            found = find(inner, ".".join(parts[end:]))
            if found is not None:
                return found
    return None


def _check_times(claims: Claims, skew: int, now: int) -> int:
    """Returns `exp`, which must be there; `nbf` and `iat` may."""
    expires_at = _seconds(claims, "exp")
    if expires_at is None:
        raise TokenClaims("The token has no exp.")
    if now >= expires_at + skew:
        raise TokenExpired("The token has expired.")
    for name in ("nbf", "iat"):
        begins = _seconds(claims, name)
        if begins is not None and begins > now + skew:
            raise TokenExpired(f"The token is not valid yet ({name} lies ahead).")
    return expires_at


def _seconds(claims: Claims, name: str) -> int | None:
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int or not 0 <= value <= LAST_SECOND:
        raise TokenClaims(f"The token's {name} is not a whole number of seconds.")
    return value


def _check_audience(value: object, accepted: list[str], foreign: frozenset[str]) -> None:
    """RFC 7519 §4.1.3: one string or an array of strings; one of them must be ours."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise TokenAudience("The token names no audience.")
    if set(names).isdisjoint(accepted):
        raise TokenAudience("The token was made for another audience.")
    if not foreign.isdisjoint(names):
        raise TokenAudience("The token opens another door too, so it opens neither.")


def _email(claims: Claims, path: str) -> str:
    """Without what the issuer itself says it never checked (OpenID Connect Core §5.1; Cognito sends it as text)."""
    verified = claims.get("email_verified", True)
    return _text(find(claims, path), path) if verified in (True, "true") else ""


def _groups(claims: Claims, path: str) -> tuple[str, ...]:
    """Entra leaves groups out when there are many and points to a lookup: a rule that denies a group would not fire."""
    elsewhere = claims.get("_claim_names")
    if claims.get("hasgroups") or (isinstance(elsewhere, Mapping) and path in elsewhere):
        raise TokenClaims("The token leaves its groups out because there are too many; limit them at the issuer.")
    value = find(claims, path)
    if value is None:
        return ()
    return _texts([value] if isinstance(value, str) else value, path)


def _actors(value: object) -> tuple[str, ...]:
    names: list[str] = []
    while value is not None:
        if not isinstance(value, Mapping) or len(names) == MAX_ACTORS:
            raise TokenClaims(f"The token's act is not a chain of at most {MAX_ACTORS} actors.")
        name = _text(value.get("sub"), "act.sub") or _text(value.get("client_id"), "act.client_id")
        if not name:
            raise TokenClaims("The token's act names an actor without sub.")
        names.append(name)
        value = value.get("act")
    return tuple(names)


def _confirmation(value: object) -> str:
    """A token that is bound in a way that nobody here checks (DPoP's `jkt`, a raw key) is no bearer token either."""
    if value is None:
        return ""
    thumbprint = value.get("x5t#S256") if isinstance(value, Mapping) and len(value) == 1 else None
    if not isinstance(thumbprint, str) or not THUMBPRINT.fullmatch(thumbprint):
        raise TokenClaims("The token is bound to a key in a way that is not accepted (cnf); x5t#S256 is.")
    return thumbprint


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_GROUPS:
        raise TokenClaims(f"The token's {name} is not a list of at most {MAX_GROUPS} texts.")
    texts = [_text(item, name) for item in value]
    if not all(texts):
        raise TokenClaims(f"The token's {name} holds an empty entry.")
    return tuple(dict.fromkeys(texts))


def _text(value: object, name: str) -> str:
    """A line of at most MAX_TEXT printable characters, "" when absent."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise TokenClaims(f"The token's {name} is not a line of at most {MAX_TEXT} characters.")
    return value
