import hashlib
from collections.abc import Sequence

from audit.read.remask import body_of, changes
from masking import Keys, Ruleset

RULES = Ruleset.parse(
    "profiles:\n  floor:\n    - {pattern: 'HERON', name: codename, operator: redact}\n", "masking.yaml"
)
KEYS = Keys.generate()


def row(content: bytes, ordinal: int = 0, **changes_: object) -> dict[str, object]:
    fields: dict[str, object] = {
        "writer": "w", "seq": 1, "ordinal": ordinal, "exchange": "x", "session": "s", "direction": "response",
        "idx": ordinal, "media": "text/plain", "sha256": b"o" * 32, "content": content, "connection": "c",
    }  # fmt: skip
    return fields | changes_


def masked(rows: Sequence[dict[str, object]]) -> dict[int, bytes]:
    found = changes(rows, lambda connection, session, direction: RULES.masker(["floor"], keys=KEYS), lambda: b"n" * 16)
    return {int(str(change.row["ordinal"])): change.content for change in found}


def test_only_what_changes_is_told():
    assert masked([row(b"nothing of it"), row(b" here", 1)]) == {}
    assert list(masked([row(b"the HERON flies "), row(b"away, as was said", 1)])) == [0]


def test_a_value_over_two_frames():
    found = masked([row(b"the HE"), row(b"RON flies away", 1)])
    assert b"HE" not in b"".join(found.values())
    assert b"flies away" in found[1]


def test_bodies_of_two_exchanges_never_join():
    assert masked([row(b"the HE"), row(b"RON", 1, exchange="y")]) == {}


def test_inputs_of_two_events_are_two_bodies():
    first, second = row(b"", direction="input"), row(b"", direction="input", seq=2)
    assert body_of(first) != body_of(second)
    assert body_of(row(b"")) == body_of(row(b"", seq=2))


def test_what_is_no_json_any_more_is_masked_as_text():
    assert b"HERON" not in masked([row(b'{"a": "the HERON', media="application/json")])[0]


def test_the_event_holds_hashes_and_places():
    (change,) = changes([row(b"HERON")], lambda *_: RULES.masker(["floor"], keys=KEYS), lambda: b"n" * 16)
    told = change.told()
    assert told["h"] == hashlib.sha256(b"n" * 16 + change.content).hexdigest()
    assert (told["writer"], told["seq"], told["ordinal"], told["n"]) == ("w", 1, 0, len(change.content))
