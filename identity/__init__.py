"""Who is asking: tokens of OIDC issuers, verified, become an `Identity`.

Issuers are found by discovery, their keys are fetched over https and kept; a token is verified once (signature by
PyJWT, everything around it by our own exact rules after RFC 8725) and remembered by its hash until it expires.

Never here: policy, opaque tokens (introspection would put the issuer into every request), encrypted tokens, shared
secrets (HMAC), and anything that a token says about how it wants to be verified.
"""

from identity.claims import Identity
from identity.errors import KeysUnavailable, TokenRefused
from identity.verifier import Verifier, people_issuer

__all__ = ["Identity", "KeysUnavailable", "TokenRefused", "Verifier", "people_issuer"]
