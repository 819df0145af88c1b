"""The query as policies see it."""

import pytest

from authz.errors import CredentialsMisplaced, PathRefused
from authz.query import MAX_FIELDS, fields
from tests.kit.tokens import token


@pytest.mark.parametrize(
    ("query", "want"),
    [
        ("", {}),
        ("a=1&b=2&a=3", {"a": ["1", "3"], "b": ["2"]}),
        ("a", {"a": [""]}),
        ("a=b=c&&", {"a": ["b=c"]}),
        ("%61=%62&x=1+2%2B3", {"a": ["b"], "x": ["1 2+3"]}),
        ("n=caf%C3%A9", {"n": ["café"]}),
        ("a=1;b=2", {"a": ["1;b=2"]}),
    ],
)
def test_fields(query: str, want: dict[str, list[str]]) -> None:
    assert fields(query) == want


@pytest.mark.parametrize("query", ["a=%ff", "%c0%ae=1", "a=%00", "%00", "&".join(["a"] * (MAX_FIELDS + 1))])
def test_what_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(PathRefused):
        fields(query)


@pytest.mark.parametrize(
    "query",
    ["access_token=x", "ACCESS_TOKEN=x", "a=1&api_key=x", "%61pi-key=x", "authorization=Bearer+x", "jwt=", "token=x"],
)
def test_credentials_do_not_belong_there(query: str) -> None:
    with pytest.raises(CredentialsMisplaced):
        fields(query)


def test_a_token_under_any_name_is_noticed() -> None:
    with pytest.raises(CredentialsMisplaced):
        fields(f"q={token()}")
