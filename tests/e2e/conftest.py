"""One gateway for all tests of this folder: starting it takes longer than most of them."""

from collections.abc import Iterator

import pytest

from tests.kit import gateway as kit
from tests.kit.approver import clear


@pytest.fixture(scope="session")
def gateway() -> Iterator[kit.Gateway]:
    with kit.running() as running:
        yield running
        assert running.envoy_stat("http.ingress.ext_proc.server_half_closed") == 0
        assert [sentence for sentence in running.said if "starting it again" in sentence] == []


@pytest.fixture(autouse=True)
def nothing_waits(request: pytest.FixtureRequest) -> None:
    """What one test left waiting (its client may have gone before it had a card) is not another's inbox."""
    if "gateway" in request.fixturenames:
        gateway = request.getfixturevalue("gateway")
        if gateway.cards():
            clear(gateway)
