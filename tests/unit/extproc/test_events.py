"""Events may end up in an error message: they show no content there."""

import dataclasses

import pytest

from extproc import events as ev

KINDS = [kind for kind in vars(ev).values() if isinstance(kind, type) and issubclass(kind, ev.Event)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not ev.Event])
def test_bytes_are_never_shown(kind: type[ev.Event]) -> None:
    for item in dataclasses.fields(kind):
        assert item.repr is (item.name not in ("data", "headers", "metadata"))
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_an_example() -> None:
    assert repr(ev.ResponseBody(b"SECRET", True)) == "ResponseBody(end=True)"
