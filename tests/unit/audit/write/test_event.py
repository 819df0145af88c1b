import hashlib
import json

import pytest

from audit.write.event import (
    MAX_BODY,
    Caller,
    Draft,
    EventInvalid,
    EventTooLarge,
    Frame,
    Kind,
    Span,
    canonical,
    compose,
    frame_hash,
    plain,
    shortened,
)
from runtime.clock_quality import Quality

NOBODY_KNOWS = {"state": "unknown", "error_us": 0}
AT_ONCE = {"started_us": 7, "ended_us": 7, "duration_us": 0, "clock": NOBODY_KNOWS}


def entry(draft: Draft, salts: list[bytes] | None = None):
    return compose(draft, event_id="id", ts_us=7, salts=salts if salts is not None else [bytes(16)] * len(draft.frames))


def test_canonical_json_is_sorted_compact_utf8():
    value = {"b": [True, False, -1, "é\u20ac\U0001f600"], "a": {"y": '\x00\x1f\x7f"\\/\b\f\n\r\t', "x": 0}}
    want = '{"a":{"x":0,"y":"\\u0000\\u001f\x7f\\"\\\\/\\b\\f\\n\\r\\t"},"b":[true,false,-1,"é€😀"]}'
    assert canonical(value) == want.encode()


def test_composes_every_field_and_names_frames_by_salted_hash():
    frame = Frame(3, 11, "input", "application/json", b"content")
    salt = b"s" * 16
    draft = Draft(Kind.DECISION, "decision.allow", "x", "s", "c", Caller("i", "u", "a"), {"k": ["v", 1]}, (frame,))
    made = entry(draft, [salt])
    assert made.fields == {
        "id": "id",
        "ts": 7,
        "kind": "decision",
        "type": "decision.allow",
        "exchange": "x",
        "session": "s",
        "connection": "c",
        "caller": {"issuer": "i", "subject": "u", "agent": "a"},
        "data": {"k": ["v", 1], **AT_ONCE},
        "frames": [
            {
                "d": "input",
                "i": 3,
                "m": "application/json",
                "n": 7,
                "t": 11,
                "h": hashlib.sha256(salt + b"content").hexdigest(),
            }
        ],
    }
    assert frame_hash(salt, b"content").hex() == made.fields["frames"][0]["h"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    "value", [None, 1.5, float("nan"), b"x", {1, 2}, 2**53, -(2**53), {"é": 1}, {1: "a"}, object()]
)
def test_refuses_what_has_no_one_canonical_form(value: object):
    with pytest.raises(EventInvalid):
        entry(Draft(Kind.CONFIG, "t", data={"k": value}))  # type: ignore[dict-item]


def test_refuses_lone_surrogates_and_deep_nesting():
    with pytest.raises(EventInvalid):
        entry(Draft(Kind.CONFIG, "t", data={"k": "\ud800"}))
    deep: object = "x"
    for _ in range(40):
        deep = [deep]
    with pytest.raises(EventInvalid):
        plain(deep)


def test_keeps_the_largest_safe_integers_and_copies_what_the_caller_may_change():
    inner = ["a"]
    made = entry(Draft(Kind.CONFIG, "t", data={"n": 2**53 - 1, "l": inner, "t": ("x",)}))
    inner.append("b")
    assert made.fields["data"] == {"n": 2**53 - 1, "l": ["a"], "t": ["x"], **AT_ONCE}


def test_every_event_says_from_when_until_when_how_long_and_by_which_clock():
    at_once, good = Draft(Kind.CONFIG, "t"), Quality("synchronised", 40)
    made = compose(at_once, event_id="id", ts_us=7, salts=[], clock=good)
    assert made.fields["data"] == {**AT_ONCE, "clock": {"state": "synchronised", "error_us": 40}}
    lasting = Draft(Kind.CONFIG, "t", span=Span(3, 10, Quality("unsynchronised")))
    assert compose(lasting, event_id="id", ts_us=99, salts=[], clock=good).fields["data"] == {
        "started_us": 3, "ended_us": 13, "duration_us": 10, "clock": {"state": "unsynchronised", "error_us": 0},
    }  # fmt: skip
    told = Draft(Kind.LIFECYCLE, "envoy.started", data={"started_us": 1}, span=Span(2, 2))
    assert entry(told).fields["data"]["started_us"] == 1, "what a draft says itself stays"  # type: ignore[index,call-overload]


def test_an_event_of_too_many_facts_is_refused_and_frames_do_not_count():
    with pytest.raises(EventTooLarge) as caught:
        entry(Draft(Kind.CONFIG, "t", data={"k": "x" * MAX_BODY}))
    assert caught.value.code == "event_too_large"
    entry(Draft(Kind.FRAME, "t", frames=(Frame(0, 1, "response", "text/plain", b"x" * 256_000),)))


def test_the_size_bound_holds_for_the_longest_chain_fields():
    from audit.write.chain import Head, extend

    made = entry(Draft(Kind.CONFIG, "t", data={"k": "x" * 1000}))
    longest = Head("w" * 63 + ".ffffffff", "g" * 63, 2**53 - 1, 2**53 - 2, bytes(32))
    assert len(extend(longest, made.fields)[1]) <= made.size


def test_reserved_room_is_for_verified_callers_and_our_own_events():
    assert Draft(Kind.DECISION, "decision.allow", caller=Caller("i", "s", "a")).reserved
    assert Draft(Kind.LIFECYCLE, "lifecycle.stop").reserved
    assert not Draft(Kind.DECISION, "decision.refused").reserved
    assert not Draft(Kind.EXCHANGE, "exchange.end").reserved


def test_drafts_are_frozen():
    with pytest.raises(AttributeError):
        Draft(Kind.CONFIG, "t").type = "other"  # type: ignore[misc]


def test_canonical_reads_back_equal():
    value = {"z": [1, {"a": "\u2028"}], "a": "x"}
    assert json.loads(canonical(value)) == value


def test_what_is_shortened_says_so():
    assert shortened("abcd", 4) == "abcd"
    assert shortened("abcde", 4) == "abc…"
