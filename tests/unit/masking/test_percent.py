"""What percent-encoding hides is found, and what hides nothing stays as it is."""

import pytest

from masking import Keys, Ruleset, Uninspectable

RULES = """
profiles:
  p:
    - detect: [pci, us_ssn, email]
    - key: password
"""
MASKER = Ruleset.parse(RULES, "masking.yaml").masker(["p"], keys=Keys(b"k" * 32, b"r" * 64))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("/x/4111%201111%201111%201111", "/x/[CARD]"),
        ("/x/%34111111111111111/y", "/x/[CARD]/y"),
        ("/x/ada%40customer.example", "/x/[EMAIL]"),
        ("/x?q=4111+1111+1111+1111", "/x?q=[CARD]"),
        ("/x/4111+1111", "/x/4111+1111"),
        ("/caf%C3%A9/%20", "/caf%C3%A9/%20"),
        ("/50%/x", "/50%/x"),
        ("/a%20536-22-1234%20b", "/a%20[US_SSN]%20b"),
        ("/\udcff%40", "/\ufffd\ufffd\ufffd%40"),
    ],
)
def test_targets(text: str, masked: str) -> None:
    assert MASKER.target(text)[0] == masked
    assert bool(MASKER.target(text)[1]) == ("[" in masked)


def test_headers() -> None:
    masked, findings = MASKER.headers([("location", b"/x?c=4111%201111%201111%201111"), ("link", b"</%20>")])
    assert masked == [("location", b"/x?c=[CARD]"), ("link", b"</%20>")]
    assert [finding.where for finding in findings] == ["location"]


FORM = b"a=%34111111111111111&m=ada%40customer.example&password=hunter+2&q=4111+1111+1111+1111&plain=a+b%21&&x"


def test_forms() -> None:
    whole = MASKER.body("application/x-www-form-urlencoded", FORM)
    assert whole.data == b"a=[CARD]&m=[EMAIL]&password=[KEY]&q=[CARD]&plain=a+b%21&&x"
    assert {finding.rule for finding in whole.findings} == {"card", "email", "key"}


@pytest.mark.parametrize("size", range(1, 40))
def test_forms_in_pieces(size: int) -> None:
    stream = MASKER.stream("application/x-www-form-urlencoded")
    pieces = [stream.feed(FORM[at : at + size]) for at in range(0, len(FORM), size)]
    assert b"".join(pieces) + stream.finish() == MASKER.body("application/x-www-form-urlencoded", FORM).data


def test_a_field_without_end_is_refused() -> None:
    with pytest.raises(Uninspectable):
        MASKER.body("application/x-www-form-urlencoded", b"a" * ((1 << 20) + 1))


CARD = "card 4111111111111111"


@pytest.mark.parametrize("charset", ["utf-16", "UTF-7", "cp037", '"utf-8"; charset=utf-16', "utf-8''x", "*=x''utf-7"])
@pytest.mark.parametrize("media", ["application/json", "text/plain", "text/event-stream", "x/unknown"])
def test_other_character_sets_are_refused(media: str, charset: str) -> None:
    parameter = f"charset{charset}" if charset.startswith("*") else f"charset={charset}"
    with pytest.raises(Uninspectable):
        MASKER.body(f"{media}; {parameter}", b"{}")


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"', "us-ascii", "ISO-8859-1", "windows-1252", "latin1"])
def test_character_sets_like_ascii_are_read(charset: str) -> None:
    assert b"4111" not in MASKER.body(f"text/plain; charset={charset}", CARD.encode()).data


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("media", ["application/json", "text/plain", "text/event-stream", "", "multipart/form-data"])
def test_unsaid_character_sets_are_refused(media: str, coding: str) -> None:
    with pytest.raises(Uninspectable):
        MASKER.body(media, CARD.encode(coding))
