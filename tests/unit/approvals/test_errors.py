"""Errors keep their code and sentence over gRPC; what is foreign becomes ApprovalsDown without its text."""

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from approvals import errors
from approvals.errors import CODE_KEY, SENTENCES, ApprovalsDown, NotAllowed, from_rpc, status_of
from approvals.steps import Why
from runtime.errors import CallerError, Error, GatewayError


def rpc(status: grpc.StatusCode, details: str, *metadata: tuple[str, str]) -> AioRpcError:
    return AioRpcError(status, Metadata(), Metadata(*metadata), details=details)


@pytest.mark.parametrize("kind", errors._KINDS)
def test_there_and_back(kind: type[Error]) -> None:
    error = kind("a sentence")
    back = from_rpc(rpc(status_of(error), error.message, (CODE_KEY, error.code)))
    assert (type(back), back.message) == (kind, "a sentence")


def test_foreign_errors_are_ours_to_refuse_on() -> None:
    for status in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN):
        error = from_rpc(rpc(status, "a text that quotes content"))
        assert isinstance(error, ApprovalsDown)
        assert "quotes" not in error.message


def test_guilt() -> None:
    assert issubclass(NotAllowed, CallerError)
    assert issubclass(ApprovalsDown, GatewayError)
    assert status_of(GatewayError()) is not grpc.StatusCode.UNAVAILABLE, "that word is the transport's"
    assert status_of(CallerError()) is grpc.StatusCode.INVALID_ARGUMENT


def test_every_why_has_its_sentence() -> None:
    assert set(SENTENCES) == set(Why)
