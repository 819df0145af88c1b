"""Path tricks against route and policy: Envoy, authz, Rego and the upstream see one path, or nobody sees any."""

import json
from urllib.parse import unquote

import pytest

from tests.kit import rawhttp
from tests.kit.attacks import Field, fair, head, names
from tests.kit.lies import CARD, MAIL, SECRETS, SSN
from tests.kit.rawhttp import Got

pytestmark = pytest.mark.envoy
PATHS = [
    "/one/../two/x", "/one/./x", "/one//x", "//one/x", "/one/x/../../two/x", "/one/%2e%2e/two/x", "/one/%2E%2E/two/x",
    "/one/.%2e/two/x", "/one/%252e%252e/two/x", "/one/%2f..%2ftwo/x", "/one%2fx", "/one/a%2Fb", "/one/a%5cb",
    "/one/a%5Cb", "/one/..\\two/x", "/one\\x", "/one/a;b=c", "/one;x/y", "/one/..;/two/x", "/one/a%3bb", "/one/%00",
    "/one/a\x00b", "/one/%0d%0aX:%20y", "/one/%", "/one/%zz", "/one/%u002e", "/ONE/x", "/One/x", "/one/\xff",
    "/one/%ff", "/one/%c0%ae%c0%ae/", "/one/caf\xe9", "/one/caf%C3%A9", "/one/\xe2\x80\xae", "/one/x#/two/x",
    "/one/x?y#z", "/one/%23", "/one/a b", "/one", "/", "", "*", "one/x", "/onex/x", "/one-x/x", "/one.x/x", "/on/x",
    "/three/x", "/one/~x", "/one/%7ex", "/one/%61", "/one/...", "/one/x/.", "/one/x/..", "/one/x/%2e", "/%6fne/x",
    "/two/../one/x", "http://forged.example/one/x", "http://gateway/one/../two/x", "https://gateway/two/x",
    "http://forged.example:99999/one/x", "http://u:p@gateway/one/x", "ftp://gateway/one/x", "//forged.example/one/x",
    "///one/x", "/one/x?q=/../../two", "/one/x??", "/one/x?", "/one/x?%00", "/one/x?a=%zz", "/one/x?\xff", "/./one/x",
    "/../one/x", "/one/a|b", "/one/<>", "/one/x%20y", "/one/x%09", "/one/x%3fy", "/one/x?y%23z", "/one/" + "a" * 7000,
    "/one/" + "a" * 9000, "/one/" + "a" * 70_000, "/one/" + "a/" * 3000, "/one/x?" + "a" * 9000, "/one/x?a&" * 200,
    "/anthropic/../one/x", "/one/../nowhere/x", "/one/x?access_token=t", "/one/x?api_key=t",
    "/one/x?a=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0In0.", "/one/%EF%BC%8F..%EF%BC%8Ftwo", "/one/x?a=b;c=d",
    "/one/x?a=b&a=c", "/one%2Fx", "/one/a%2fb", "/one/;/../two", "/one/a%00b", "/one/%0d%0aX: y", "/one/%61ccounts",
    "/one/%2e%2e;/x", "http://evil.example/one/x", "//evil.example/one/x", "/one/@two", "/one/:x", "/one/x=y",
    "/one/x,y", "/one/(x)", "/one/x!$'*+",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(PATHS)), ids=names(PATHS))
def test_paths(place: Field, number: int) -> None:
    def send(path: str, mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET " + path.encode("latin-1") + b" HTTP/1.1"))

    tried = place.table("paths", PATHS, send)[number]
    fair(tried, place.upstream)
    assert not tried.arrived or tried.got.status == 200
    for arrived in tried.arrived:
        plain = arrived.target.partition("?")[0].lower()
        assert not any(mark in plain for mark in ("\\", ";", "%2e", "%2f", "%5c", "%00", "//")), plain
        assert not {".", ".."} & set(plain.split("/"))


# what the floor masks stands in no record, however a path or a query spells it
TELLING = [
    f"/one/{CARD}", "/one/4111%201111%201111%201111", f"/one/x?q={MAIL}", f"/one/x?q={MAIL.replace('@', '%40')}",
    f"/one/{MAIL.replace('@', '%40')}", f"/one/x?{CARD}=1", "/one/x?q=4111+1111+1111+1111", f"/one/{SSN}/x",
    f"/one/a%20{SSN}%20b", "/one/x?q=%34%31%31%31111111111111", "/one/GB82%20WEST%201234%205698%207654%2032",
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TELLING)), ids=names(TELLING))
def test_secrets_in_paths_are_found(place: Field, number: int) -> None:
    def send(path: str, mark: str) -> Got:
        return rawhttp.ask(place.port, head(mark, place, b"GET " + path.encode() + b" HTTP/1.1"))

    tried = place.table("telling", TELLING, send)[number]
    ((_, _, _, given),) = tried.decided
    assert given["findings"]
    text = json.dumps(given)
    assert not any(secret in unquote(text).replace("+", " ") for secret in SECRETS)
