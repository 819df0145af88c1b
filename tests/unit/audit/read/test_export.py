"""What a package of a selection carries beside what was chosen."""

import pytest

from audit.read.export import EXPLAINING
from audit.verify.signatures import GIFTS


@pytest.mark.parametrize(
    "type_", ["person.authenticator_added", "person.authenticator_removed", *GIFTS, "standing.over", "standing.revoked"]
)
def test_a_selection_has_what_a_signed_answer_rests_on(type_: str) -> None:
    """The verifier makes a finding of a key, or a standing grant, that no event tells of."""
    assert f"'{type_}'" in EXPLAINING
