"""One gateway for all tests of this folder: starting it takes longer than most of them."""

from collections.abc import Iterator

import pytest

from tests.kit import gateway as kit


@pytest.fixture(scope="session")
def gateway() -> Iterator[kit.Gateway]:
    with kit.running() as running:
        yield running
        assert running.envoy_stat("http.ingress.ext_proc.server_half_closed") == 0
        assert [sentence for sentence in running.said if "starting it again" in sentence] == []
