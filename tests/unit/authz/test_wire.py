"""Envoy's protobuf → Request; answers → Envoy's protobuf."""

import pytest

from authz import wire
from authz.errors import BodyTooLarge, EnvoyMisconfigured
from snapshot.answers import refusal
from tests.kit.checks import check


def test_a_request() -> None:
    found = wire.read(
        check("/ledger/x?y=1", method="POST", headers=[("X-Odd", b"\xff\x00"), ("a", "1"), ("a", "2")], body=b"\xff\0")
    )
    assert (found.method, found.path, found.host, found.body) == ("POST", "/ledger/x?y=1", "gateway:10000", b"\xff\0")
    assert found.connection == "ledger"
    assert found.headers[:3] == (("x-odd", b"\xff\x00"), ("a", b"1"), ("a", b"2"))
    assert not any(name.startswith(":") for name, _ in found.headers)


def test_no_route_no_connection() -> None:
    assert wire.read(check("/nowhere")).connection == ""


@pytest.mark.parametrize("broken", ["headers", "body", "path", "method"])
def test_envoy_must_show_what_it_forwards(broken: str) -> None:
    request = check()
    http = request.attributes.request.http
    if broken == "headers":
        http.headers["a"] = "joined,by,envoy"
    elif broken == "body":
        http.body = "sanitised"
    else:
        setattr(http, broken, "/other")
    with pytest.raises(EnvoyMisconfigured):
        wire.read(request)


@pytest.mark.parametrize("value", ["true", "", "x"])
def test_a_body_that_was_cut_off(value: str) -> None:
    with pytest.raises(BodyTooLarge):
        wire.read(check(headers=[(wire.PARTIAL, value)]))
    wire.read(check(headers=[(wire.PARTIAL, "false")]))


def test_allow() -> None:
    response = wire.allow("e-1", {"v": "1", "exchange": "e-1"}, ["authorization"])
    assert response.status.code == 0
    assert response.WhichOneof("http_response") == "ok_response"
    assert list(response.ok_response.headers_to_remove) == ["authorization"]
    added = response.ok_response.response_headers_to_add[0]
    assert (added.header.key, added.header.value, added.append_action) == ("x-exeat-decision", "e-1", 2)
    assert dict(response.dynamic_metadata) == {"v": "1", "exchange": "e-1"}


def test_refuse() -> None:
    response = wire.refuse(refusal("anthropic", 403, "denied", "no – never", "e-1"), {"exchange": "e-1"})
    assert response.status.code != 0
    assert response.denied_response.status.code == 403
    assert "no – never" in response.denied_response.body
    told = {option.header.key: option.header.value for option in response.denied_response.headers}
    assert (told["x-should-retry"], told["x-exeat-decision"]) == ("false", "e-1")
