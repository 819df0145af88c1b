"""A PostgreSQL server for each module that asks for one, an empty database for each test, and two gateways on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.settings import Shared
from tests.kit.postgres import Server, serving
from tests.kit.sharing import Pair


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def shared(server: Server) -> Shared:
    return server.empty()


@pytest.fixture
def pair(tmp_path: Path, shared: Shared) -> Pair:
    return Pair(tmp_path, shared)
