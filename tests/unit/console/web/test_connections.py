"""How clients are pointed here."""

import pytest

from console.web.site.connections import ways
from snapshot.connections import KINDS, Connection


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_way_and_names_its_address(kind: str) -> None:
    found = ways(Connection("desk", kind, "https://upstream.example"), "http://127.0.0.1:10000")
    assert found
    for client, lines in found:
        assert "http://127.0.0.1:10000/desk" in lines, client
        assert "@" not in lines
    assert kind == "http" or len(found) > 1
