"""Statuses, codes and sentences of refusals."""

import pytest

from authz import errors
from identity.errors import KeysUnavailable, TokenExpired
from masking.errors import Blocked, Uninspectable
from runtime.errors import CallerError
from snapshot.engine_client import EngineSlow


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (errors.PathRefused("p"), 400, "path_refused"),
        (errors.UnknownConnection("u"), 404, "unknown_connection"),
        (errors.BodyTooLarge("b"), 413, "body_too_large"),
        (errors.BodyUnsupported("b"), 415, "body_unsupported"),
        (TokenExpired("t"), 401, "token_expired"),
        (Blocked("rule"), 403, "blocked"),
        (Uninspectable("u"), 415, "uninspectable"),
        (CallerError("c"), 400, "caller_error"),
        (KeysUnavailable("k"), 503, "gateway_unavailable"),
        (EngineSlow("e"), 503, "gateway_unavailable"),
        (errors.EnvoyMisconfigured("e"), 503, "gateway_unavailable"),
        (ZeroDivisionError("planted"), 503, "gateway_unavailable"),
    ],
)
def test_how_each_is_answered(error: Exception, status: int, told: str) -> None:
    assert errors.status_of(error) == status
    assert errors.told_code(error) == told


def test_of_our_faults_only_that_there_is_one() -> None:
    assert errors.sentence_of(ZeroDivisionError("planted")) == errors.UNAVAILABLE
    assert errors.sentence_of(KeysUnavailable("issuer x is down")) == errors.UNAVAILABLE
    assert errors.sentence_of(errors.PathRefused("The path is odd.")) == "The path is odd."
    assert errors.code_of(ZeroDivisionError()) == "internal"
    assert errors.code_of(KeysUnavailable()) == "keys_unavailable"
