"""One gateway with a hostile upstream for all attacks."""

from collections.abc import Iterator

import pytest

from tests.kit import attacks


@pytest.fixture(scope="package")
def place() -> Iterator[attacks.Field]:
    with attacks.running() as field:
        yield field
