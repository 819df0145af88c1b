"""Control maps: every control asks a question that exists, and knows what its rows mean."""

import pytest

from audit.read.frameworks import Control, framework, names
from audit.read.questions import WrongQuestion, named


def test_the_maps_that_are_shipped():
    assert names() == ["ffiec", "nist-800-53", "pci-dss"]
    for name in names():
        ids = [control.id for control in framework(name).controls]
        assert len(set(ids)) == len(ids) >= 15
    with pytest.raises(WrongQuestion, match="there are ffiec"):
        framework("iso")


@pytest.mark.parametrize(
    ("expect", "rows", "verdict"),
    [("some", 0, "missing"), ("some", 2, "evidence"), ("none", 0, "evidence"), ("none", 1, "finding"),
     ("any", 0, "information"), ("any", 9, "information")],
)  # fmt: skip
def test_what_rows_mean(expect: str, rows: int, verdict: str):
    assert Control("X-1", "t", "s", named("gaps"), expect).verdict(rows) == verdict  # type: ignore[arg-type]
