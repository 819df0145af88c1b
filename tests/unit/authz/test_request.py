"""One path string, one reading."""

import pytest

from authz.errors import EnvoyMisconfigured, MethodRefused, PathRefused, UnknownConnection
from authz.request import MAX_PATH, Request, Target, agreed, target, upstream_host, upstream_path
from snapshot.connections import Connection

LEDGER = Connection("ledger", "http", "https://ledger.internal:8443/api")


def at(path: str, method: str = "GET", connection: str = "ledger") -> Request:
    return Request(method, "gateway:10000", path, connection=connection)


@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("/ledger/", Target("ledger", "/", "")),
        ("/ledger/v1/accounts", Target("ledger", "/v1/accounts", "")),
        ("/ledger/v1/accounts/", Target("ledger", "/v1/accounts/", "")),
        ("/ledger/a?b=c&d=/e?f", Target("ledger", "/a", "b=c&d=/e?f")),
        ("/ledger/a?", Target("ledger", "/a", "")),
        ("/ledger/caf%C3%A9%20x/y:z@1,2;".removesuffix(";"), Target("ledger", "/caf%C3%A9%20x/y:z@1,2", "")),
        ("/ledger/...", Target("ledger", "/...", "")),
        ("/ledger/.well-known/x", Target("ledger", "/.well-known/x", "")),
    ],
)
def test_a_path_names_a_connection_and_the_rest(path: str, want: Target) -> None:
    assert target(at(path)) == want


@pytest.mark.parametrize(
    "path",
    [
        "", "ledger/x", "*", "http://ledger.internal/x", "//ledger/x", "/ledger//x", "/ledger/x//", "/ledger/./x",
        "/ledger/../anthropic/v1/messages", "/ledger/x/..", "/ledger/x/.", "/ledger/%2e%2e/x", "/ledger/%2E./x",
        "/ledger/.%2e/x", "/ledger/a%2fb", "/ledger/a%2Fb", "/ledger/a%5cb", "/ledger/a%5Cb", "/ledger/a\\b",
        "/ledger/a;b", "/ledger/a%3bb", "/ledger/a;x=1/b", "/ledger/a%00", "/ledger/a\0", "/ledger/a%0d%0aX:y",
        "/ledger/a%09", "/ledger/a%7f", "/ledger/a%252e", "/ledger/a%25", "/ledger/%61ccounts", "/ledger/a%2Db",
        "/ledger/a%", "/ledger/a%g1", "/ledger/a%4", "/ledger/%u002e", "/ledger/caf\u00e9", "/ledger/\uff0e\uff0e/x",
        "/ledger/a b", "/ledger/a#b", "/ledger/a%23", "/ledger/a%3fb", "/ledger/%ff", "/ledger/%c0%ae",
        "/ledger/%e0%80%af", "/ledger/%ed%a0%80", "/ledger/a\"b", "/ledger/<x>", "/ledger/{x}", "/ledger/a|b",
        "/ledger/a^b", "/ledger/a`b",
        "/ledger/x?a#b", "/ledger/x?a b", "/ledger/x?a\tb", "/ledger/x?\u00e9", "/ledger/" + "x" * MAX_PATH,
    ],
)  # fmt: skip
def test_a_path_of_two_readings_is_refused(path: str) -> None:
    with pytest.raises(PathRefused):
        target(at(path))


@pytest.mark.parametrize("path", ["/", "/ledger", "/ledger?x=/y"])
def test_a_path_without_a_connection_leads_nowhere(path: str) -> None:
    with pytest.raises(UnknownConnection):
        target(at(path))


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PROPFIND", "get", "", "GET ", "POST\r\n"])
def test_methods(method: str) -> None:
    with pytest.raises(MethodRefused):
        target(at("/ledger/x", method))


def test_route_path_and_snapshot_agree() -> None:
    asked = at("/ledger/x")
    assert agreed(asked, target(asked), LEDGER) is LEDGER


def test_a_route_for_another_connection_is_our_fault() -> None:
    asked = at("/ledger/x", connection="anthropic")
    with pytest.raises(EnvoyMisconfigured):
        agreed(asked, target(asked), LEDGER)


@pytest.mark.parametrize(("route", "known"), [("", LEDGER), ("ledger", None), ("", None)])
def test_without_a_route_or_a_declaration_there_is_no_connection(route: str, known: Connection | None) -> None:
    asked = at("/ledger/x", connection=route)
    with pytest.raises(UnknownConnection):
        agreed(asked, target(asked), known)


@pytest.mark.parametrize("name", ["Ledger", "LEDGER", "ledger%20", "ledger.", "ledger "])
def test_other_spellings_are_other_connections(name: str) -> None:
    asked = at(f"/{name}/x")
    with pytest.raises((EnvoyMisconfigured, PathRefused)):
        agreed(asked, target(asked), None)


def test_the_upstream_sees_its_own_prefix() -> None:
    asked = at("/ledger/accounts?x=1")
    assert upstream_path(LEDGER, target(asked)) == "/api/accounts"
    assert upstream_host(LEDGER) == "ledger.internal:8443"


def test_a_request_never_prints_its_content() -> None:
    assert "planted" not in repr(Request("GET", "h", "/x", (("x-api-key", b"planted"),), b"planted"))
