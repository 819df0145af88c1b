from collections.abc import Iterator

import pytest

from tests.kit import gateway as kit


@pytest.fixture(scope="module")
def gateway() -> Iterator[kit.Gateway]:
    with kit.running() as running:
        yield running
