"""A person's sign-in by authorization code with PKCE (OpenID Connect Core §3.1, RFC 7636, RFC 9700 §2.1). Pure.

What is started here must come back: the state to the browser that began, the nonce in the ID token, the verifier to the
token endpoint. A sign-in is good for MAX_SECONDS and for one callback.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from identity.errors import SignInRefused

MAX_SECONDS = 600  # a person who looks for a second factor needs minutes, not an hour
SKEW_SECONDS = 30
MAX_TEXT = 200  # characters of an issuer's words that are passed on


@dataclass(frozen=True, slots=True)
class Started:
    """`to`: the path of ours where the person was going; `at`: unix seconds; `again`: although they are signed in."""

    state: str
    nonce: str
    verifier: str
    to: str
    at: int
    again: bool = False


def start(to: str, now: int, *, again: bool = False) -> Started:
    """256 random bits each; the verifier has 43 characters (RFC 7636 §4.1)."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Started(state, nonce, verifier, to, now, again)


def challenge(verifier: str) -> str:
    """S256 (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def question(started: Started, *, client: str, redirect: str, scope: str, audience: str, max_age: int) -> str:
    """The query of the authorization request; `audience` is for issuers that make tokens for one (Auth0).

    `max_age`: seconds; an older sign-in at the issuer does not count, and the ID token must say how old it is.
    """
    asked = {"response_type": "code", "client_id": client, "redirect_uri": redirect, "scope": scope}
    asked |= {"state": started.state, "nonce": started.nonce, "audience": audience}
    asked |= {"code_challenge": challenge(started.verifier), "code_challenge_method": "S256"}
    asked["max_age"] = "0" if started.again else str(max_age)  # Core §3.1.2.1: auth_time then comes by right
    if started.again:
        asked["prompt"] = "login"
    return urlencode(asked)


def code(started: Started, given: Sequence[tuple[str, str]], *, issuer: str, names_issuer: bool, now: int) -> str:
    """The code of the callback's query `given`. `names_issuer`: the issuer promises `iss` (RFC 9207).

    Raises SignInRefused.
    """
    answer = dict(given)
    if len(answer) != len(given):
        raise SignInRefused("The sign-in came back with a parameter twice.")
    if not hmac.compare_digest(answer.get("state", "").encode(), started.state.encode()):
        raise SignInRefused("The sign-in that came back is not the one that this browser began.")
    if now >= started.at + MAX_SECONDS:
        raise SignInRefused("The sign-in took too long; begin again.")
    if answer.get("iss", issuer if not names_issuer else "") != issuer:  # mix-up (RFC 9700 §4.4)
        raise SignInRefused("The sign-in came back from another issuer.")
    if "error" in answer:
        raise SignInRefused(f"The issuer did not sign you in: {said(answer)}.")
    if not answer.get("code"):
        raise SignInRefused("The sign-in came back without a code.")
    return answer["code"]


def check_id_token(claims: Mapping[str, Any], started: Started, client: str) -> None:
    """What a verified ID token must say beside its signature, times and audience (Core §3.1.3.7, items 4, 5, 11 to 13).

    Raises SignInRefused.
    """
    nonce, audience, party = claims.get("nonce"), claims.get("aud"), claims.get("azp")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), started.nonce.encode()):
        raise SignInRefused("The ID token belongs to another sign-in (nonce).")
    several = isinstance(audience, list) and len(audience) > 1
    if (several or party is not None) and party != client:
        raise SignInRefused("The ID token was made for another client (azp).")
    if started.again:
        at = claims.get("auth_time")
        if type(at) is not int or at < started.at - SKEW_SECONDS:
            raise SignInRefused("You were to sign in again, and the issuer let you through without it (auth_time).")


def said(answer: Mapping[str, Any]) -> str:
    """An OAuth error (RFC 6749 §4.1.2.1, §5.2), fit for a page or a log."""
    words = [answer.get("error"), answer.get("error_description")]
    text = ": ".join(str(word) for word in words if word) or "its answer is not understood"
    return "".join(letter for letter in text[:MAX_TEXT] if letter.isprintable()).rstrip(".")
