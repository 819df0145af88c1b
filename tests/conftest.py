"""For all tests: what Hypothesis may do, and which engine decides.

Hypothesis has no deadlines, because a unit test never fails for its time, and tries the same inputs in every run, so
that a failure belongs to the change before it; `make fuzz` looks for new ones (`--hypothesis-profile search`).

`pytest --opa tests/component` runs the same tests with a real OPA server (OPA_BIN, PATH or `make tools`) behind the
engine's URL; `-m starts_engines` leaves out the tests that ask no engine. What only the embedded engine can do is
marked `embedded`, and skipped there with its reason.
"""

import pytest
from hypothesis import HealthCheck, settings

from tests.kit import engine
from tests.kit.opa import opa_binary

settings.register_profile("exeat", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", settings.get_profile("exeat"), derandomize=False, print_blob=True)
settings.load_profile("exeat")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", type=int, default=2, help="how many cases tests/fault/test_matrix.py draws")
    parser.addoption("--fault-seed", type=int, default=20261129, help="from which the cases follow")
    parser.addoption("--opa", action="store_true", help="a real OPA server in the place of the embedded engine")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--opa"):
        found = opa_binary()
        if found is None:
            raise pytest.UsageError("--opa: no OPA server: set OPA_BIN or run `make tools`")
        engine.chosen.opa = found


@pytest.hookimpl(tryfirst=True)  # before -m is looked at
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--opa"):
        return
    for item in items:
        if _starts_engines(item):
            item.add_marker("starts_engines")
        marker = item.get_closest_marker("embedded")
        if marker is not None:
            item.add_marker(pytest.mark.skip(reason=f"of the embedded engine alone: {marker.args[0]}"))


def _starts_engines(item: pytest.Item) -> bool:
    """Whether its module has taken from the kit what starts an engine; others run alike with either."""
    from tests.kit.authz import deciding, house

    module = vars(item.module) if isinstance(item, pytest.Function) else {}
    return any(value in (engine.engine, deciding, house) for value in module.values() if callable(value))
