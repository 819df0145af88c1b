"""What changes in headers, and what must not."""

import pytest

from extproc.headers import HeaderFixed, all_of, edit, essence, first, status
from tests.kit.masks import PlainMasker

HEADERS = (
    (":status", b"200"),
    ("content-type", b"application/json"),
    ("content-length", b"12"),
    ("set-cookie", b"a=SECRET"),
    ("set-cookie", b"b=2"),
    ("x-plain", b"1"),
    ("transfer-encoding", b"chunked"),
)


def test_a_changed_name_is_put_whole_with_all_its_values() -> None:
    change, findings = edit(PlainMasker(), HEADERS, [("x-exeat-decision", "e-1")])  # type: ignore[arg-type]
    assert dict(change.put) == {"set-cookie": (b"a=[MASKED]", b"b=2"), "x-exeat-decision": (b"e-1",)}
    assert change.drop == ("content-length",)
    assert [finding.where for finding in findings] == ["set-cookie"]


def test_pseudo_headers_and_framing_are_left_to_envoy() -> None:
    odd = ((":path", b"SECRET"), ("connection", b"SECRET"))
    change, findings = edit(PlainMasker(), odd, ())  # type: ignore[arg-type]
    assert (change.put, change.drop, tuple(findings)) == ((), (), ())


def test_a_secret_in_a_length_does_not_come_back_in() -> None:
    change, _ = edit(PlainMasker(), (("etag", b"SECRET"),), ())  # type: ignore[arg-type]
    assert (change.put, change.drop) == ((), ("etag",))


def test_a_name_that_tells_goes_with_its_value() -> None:
    change, findings = edit(PlainMasker(), (("x-SECRET", b"1"), ("x-plain", b"2")), ())  # type: ignore[arg-type]
    assert (change.put, change.drop) == ((), ("x-SECRET",))
    assert len(list(findings)) == 1


def test_what_envoy_lets_nobody_change_is_refused() -> None:
    with pytest.raises(HeaderFixed):
        edit(PlainMasker(), (("x-envoy-note", b"SECRET"),), ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content_type", "media"),
    [
        ("Application/JSON; charset=utf-8", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("", ""),
        ("nonsense", ""),
        ("text/plain, text/html", ""),
        ("text/" + "x" * 100, ""),
    ],
)
def test_essence(content_type: str, media: str) -> None:
    assert essence(content_type) == media


@pytest.mark.parametrize(
    ("value", "number"), [(b"200", 200), (b"", 0), (b"2000", 0), (b"\xb2\xb3\xb9", 0), (b"-12", 0)]
)
def test_status(value: bytes, number: int) -> None:
    assert status(((":status", value),)) == number
    assert status(()) == 0


def test_looking_up() -> None:
    assert first(HEADERS, "set-cookie") == "a=SECRET"
    assert first(HEADERS, "none") == ""
    assert all_of(HEADERS, "set-cookie") == ["a=SECRET", "b=2"]


def test_the_edit_shows_no_content() -> None:
    change, _ = edit(PlainMasker(), HEADERS, ())  # type: ignore[arg-type]
    assert "b=2" not in repr(change)
