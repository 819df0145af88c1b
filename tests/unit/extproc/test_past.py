"""What an identity sent last, and how the next differs."""

from extproc.past import ENTRY_BYTES, MOST_BODY, MOST_DIFFERENCE, MOST_LINES, Past, Sent, compare


def sent(body: bytes | None, exchange: str = "e", digest: str = "") -> Sent:
    return Sent(exchange, 7, digest or f"of {body!r:.40} {len(body or b'')}", body)


def test_the_last_one_is_remembered_by_key() -> None:
    past = Past()
    assert past.remember(("a",), sent(b"1", "e-1")) is None
    assert past.remember(("b",), sent(b"2", "e-2")) is None
    found = past.remember(("a",), sent(b"3", "e-3"))
    assert found is not None
    assert found.exchange == "e-1"


def test_the_least_recently_used_go_when_it_is_full() -> None:
    past = Past(most=3 * (ENTRY_BYTES + 10))
    for name in "abc":
        past.remember((name,), sent(b"x" * 10, name))
    past.remember(("a",), sent(b"y" * 10, "a2"))
    past.remember(("d",), sent(b"x" * 10, "d"))
    assert past.remember(("b",), sent(b"", "b2")) is None
    assert past.remember(("a",), sent(b"", "a3")) is not None


def test_a_large_body_is_remembered_by_its_digest() -> None:
    past = Past()
    past.remember(("a",), sent(b"x" * (MOST_BODY + 1)))
    before = past.remember(("a",), sent(b"y"))
    assert before is not None
    assert before.body is None
    found = compare(before, sent(b"y"))
    assert found is not None
    assert (found.difference, "too large" in found.note) == ("", True)


def test_json_is_compared_member_by_member_and_other_text_line_by_line() -> None:
    found = compare(sent(b'{"a":1,"b":[1,2]}', "e-0"), sent(b'{"a":1,"b":[1,3]}'))
    assert found is not None
    assert (found.exchange, found.at_us, found.note) == ("e-0", 7, "")
    assert [line for line in found.difference.splitlines()[2:] if line[0] in "+-"] == ["-  2", "+  3"]
    found = compare(sent(b"one\ntwo"), sent(b"one\nthree"))
    assert found is not None
    assert found.difference.splitlines()[-2:] == ["-two", "+three"]


def test_there_may_be_nothing_to_show() -> None:
    assert compare(None, sent(b"x")) is None
    same = compare(sent(b"x", digest="d"), sent(b"x", digest="d"))
    assert same is not None
    assert same.note == "The bodies are the same."
    masked = compare(sent(b"[MASKED]", digest="d"), sent(b"[MASKED]", digest="e"))
    assert masked is not None
    assert (masked.difference, "masked" in masked.note) == ("", True)


def test_it_stays_within_bounds() -> None:
    long = compare(sent(b"\n" * (MOST_LINES + 1)), sent(b"x"))
    assert long is not None
    assert "too many lines" in long.note
    wide = compare(sent(b"a"), sent(b"b" * 2 * MOST_DIFFERENCE))
    assert wide is not None
    assert (len(wide.difference), "is cut" in wide.note) == (MOST_DIFFERENCE, True)
