"""Why a token was not accepted.

Error
├── CallerError
│   ├── TokenRefused         401; the caller brings another token
│   │   ├── TokenMissing     none at all
│   │   ├── TokenMalformed   not a signed JWT of one meaning: opaque, encrypted, oversized, twice the same member
│   │   ├── TokenAlgorithm   an algorithm or header parameter that we do not accept
│   │   ├── TokenIssuer      of an issuer that we do not know
│   │   ├── TokenSignature   not signed by a key of its issuer
│   │   ├── TokenExpired     over, or not begun
│   │   ├── TokenAudience    made for somebody else
│   │   └── TokenClaims      a claim is missing or of the wrong type
│   └── SignInRefused        a person's sign-in did not come back as it went
└── GatewayError
    ├── KeysUnavailable      503; the issuer's keys cannot be had, so nothing can be verified
    └── ProviderUnavailable  503; the issuer of people gives no usable answer
"""

from runtime.errors import CallerError, GatewayError


class TokenRefused(CallerError):
    code = "token_refused"


class TokenMissing(TokenRefused):
    code = "token_missing"


class TokenMalformed(TokenRefused):
    code = "token_malformed"


class TokenAlgorithm(TokenRefused):
    code = "token_algorithm"


class TokenIssuer(TokenRefused):
    code = "token_issuer"


class TokenSignature(TokenRefused):
    code = "token_signature"


class TokenExpired(TokenRefused):
    code = "token_expired"


class TokenAudience(TokenRefused):
    code = "token_audience"


class TokenClaims(TokenRefused):
    code = "token_claims"


class KeysUnavailable(GatewayError):
    code = "keys_unavailable"


class SignInRefused(CallerError):
    code = "sign_in_refused"


class ProviderUnavailable(GatewayError):
    code = "provider_unavailable"
