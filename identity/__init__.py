"""Who is asking: tokens of OIDC issuers, verified, become an `Identity`.

Issuers are found by discovery, their keys are fetched over https and kept; a token is verified once (signature by
PyJWT, everything around it by our own exact rules after RFC 8725) and remembered by its hash until it expires.
People sign in to the console by authorization code with PKCE (`code_flow` pure, `provider` the shell around it).

Never here: policy, opaque tokens (introspection would put the issuer into every request), encrypted tokens, shared
secrets (HMAC), and anything that a token says about how it wants to be verified.
"""

from identity.claims import Identity
from identity.errors import KeysUnavailable, ProviderUnavailable, SignInRefused, TokenRefused
from identity.provider import Client, Provider, SignedIn
from identity.verifier import Verifier, people_issuer

__all__ = [
    "Client",
    "Identity",
    "KeysUnavailable",
    "Provider",
    "ProviderUnavailable",
    "SignInRefused",
    "SignedIn",
    "TokenRefused",
    "Verifier",
    "people_issuer",
]
