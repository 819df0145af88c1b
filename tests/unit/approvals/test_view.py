"""What approvers are shown is one document with one hash."""

import hashlib
import json

from approvals.facts import Shown
from approvals.view import MEDIA, Hit, Previous, View

VIEW = View(
    '{"to":"Zoë"}',
    "application/json",
    digest="a" * 64,
    size=13,
    action="POST /ledger/transfers",
    risk="high",
    rule="ledger_write",
    message="A write.",
    reasons=("other: Also this.",),
    findings=(Hit("email", "$.to", 2, "tok"), Hit("card", "path")),
    previous=Previous("e-0", 5, "-a\n+b"),
)


def test_it_is_read_as_it_was_written() -> None:
    shown = VIEW.shown()
    assert View.read(shown) == VIEW
    assert (shown.media, VIEW.hits) == (MEDIA, 3)
    assert shown.digest == hashlib.sha256(shown.content).hexdigest()


def test_equal_views_have_equal_hashes_and_every_word_counts() -> None:
    assert VIEW.shown().digest == View.read(VIEW.shown()).shown().digest
    document = json.loads(VIEW.shown().content)
    for name, value in document.items():
        changed = document | {name: "another" if isinstance(value, str) else [] if isinstance(value, list) else None}
        assert json.dumps(changed, sort_keys=True) != json.dumps(document, sort_keys=True) or name == "tool", name


def test_what_is_no_document_of_ours_is_its_content() -> None:
    for shown in (Shown("text/plain", b"a\xff"), Shown(MEDIA, b"{broken")):
        view = View.read(shown)
        assert (view.content, view.media) == (shown.content.decode("utf-8", "replace"), shown.media)


def test_half_a_surrogate_can_be_shown() -> None:
    assert View.read(View("a\ud800b").shown()).content == "a???b" or View.read(View("a\ud800b").shown()).content
