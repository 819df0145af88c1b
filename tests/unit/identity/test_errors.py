"""The codes are metric labels and recorded reasons: each its own, none ever changed."""

from identity import errors
from runtime.errors import CallerError, GatewayError


def test_codes() -> None:
    codes = {kind.code for kind in errors.TokenRefused.__subclasses__()}
    assert codes == {
        "token_missing", "token_malformed", "token_algorithm", "token_issuer", "token_signature", "token_expired",
        "token_audience", "token_claims",
    }  # fmt: skip
    assert issubclass(errors.TokenRefused, CallerError)
    assert issubclass(errors.KeysUnavailable, GatewayError)
