"""Tables and multipart bodies: the same for every splitting, as a reader of the format would have it, and whole."""

import csv
import io
import random
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masking import Uninspectable
from masking.edits import CLOSED
from tests.kit import masked_bodies as kit

CSV = "text/csv"
TABLES = (
    b"name,card,pin\r\nAnn,4111 1111 1111 1111,1234\r\nBob,,\r\n",
    b'name;password;note\nAnn;hunter2;"4111111111111111; and ""more"""\nBob;x\n',
    b"routing\tdob\tx\n021000021\t1987-03-04\t021000021\n121000358\t1990-01-31\t1\n",
    b'a,"my secret",b\n"x","line one\nline two, 123-45-6789","jane.doe@example.com"\n"y","",""\n',
    b"4111111111111111,a\nb,123-45-6789\n",
    b"\xef\xbb\xbfpin,card\r1,4111111111111111\r2,x\r",
    b'card\n"4111"111111111111\n41"11"1111 1111 1111\n"4111111111111111',
    b'x,json\n1,"{""password"":""hunter2"",""t"":""\\u0034111111111111111""}"\n2,"[""123-45-6789""]"\n',
    b"key,n\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq,hkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\nz,1\n",
    b'a;"b,c\n"d;e\n"f,4111111111111111\n"\n',
    b"card,gone,n\n41111111111",
    b"one line without any break 4111 1111 1111 1111",
    b'"never closed, 4111111111111111\n123-45-6789\n',
    b"a|b\n\n|4111111111111111|pin\r\n\r\n|||\n",
    b"\n\npin\n5\n",
    b'pin\r"""',
    b'pin\r5\r"a\r',
    b"data\nNDExMSAxMTExIDExMTEgMTExMQ==\n",
)


@pytest.mark.parametrize("table", TABLES)
def test_every_cut_of_a_table_gives_the_whole(table: bytes) -> None:
    out = kit.same_for_every_cut(CSV, table, pairs=4)
    for secret in (*kit.SECRETS, "hunter2", "hkiG9w0B", "u0034111", "NDExMSAx", "1987-03-04"):
        assert secret.encode() not in out
    assert kit.whole(CSV, table, profile="nothing") == table
    assert kit.streamed(CSV, kit.bytewise(table), profile="nothing") == table


def test_columns_have_the_rules_of_their_names() -> None:
    head = b"id,Card-No,client_secret,gone,pin,routing\r\n"
    table = head + b'1,4111111111111111,s3,a,"1,2",021000021\r\n021000021,,,,,\r\n'
    masked = head + b'1,[CARD],[KEY],,"[KEY]",[US_ABA]\r\n021000021,,,,,\r\n'
    out, findings = kit.told(CSV, [table])
    assert out == masked
    assert {(each.rule, each.where) for each in findings} >= {("card", "$[*].Card-No"), ("key", "$[*].client_secret")}


def test_without_names_in_the_first_record_no_column_has_one() -> None:
    assert kit.whole(CSV, b"pin,7\nx,5\n") == b"pin,7\nx,5\n"


@pytest.mark.parametrize("media", ["text/csv", "text/plain", "text/tab-separated-values", "application/csv", ""])
def test_json_that_says_it_is_something_else(media: str) -> None:
    assert kit.same_for_every_cut(media, b' {"password": "hunter2", "n": 1}\n') == b' {"password": "[KEY]", "n": 1}\n'


@pytest.mark.parametrize("media", ["text/html", "application/xml", "image/svg+xml", "text/markdown", "text/x-unknown"])
def test_markup_is_text(media: str) -> None:
    body = b'<p id="4111111111111111">card <b>4111&nbsp;1111&nbsp;1111&nbsp;1111</b><!-- 123-45-6789 --></p>\n'
    masked = b'<p id="[CARD]">card <b>[CARD]</b><!-- [US_SSN] --></p>\n'
    assert kit.same_for_every_cut(media, body) == masked


def test_chunks_by_themselves_are_no_way_to_read_a_table() -> None:
    """Negative control: without what is held over the cuts, the same tests fail."""
    different = 0
    for table in TABLES:
        expected = kit.whole(CSV, table)
        for chunks in kit.one_cuts(table):
            different += b"".join(kit.whole(CSV, chunk) for chunk in chunks) != expected
    assert different > 100


# -- random tables against csv -----------------------------------------------------------------------------------------

cells = st.lists(
    st.sampled_from(["", "a", "4111111111111111", "4111 1111 1111 1111", "123-45-6789", "é", '"', ",", ";", "\n", "\t",
                     "jane.doe@example.com", "021000021", "x y", "{", kit.GITHUB]),
    max_size=4,
).map(" ".join)  # fmt: skip
names = st.sampled_from(["id", "note", "routing", "password", "client_secret", "Pin", "a b"])
CUT = {"password", "client_secret", "Pin"}


def cell(name: str, text: str) -> str:
    if name in CUT:
        return "[KEY]" if text else ""
    (row,) = csv.reader(io.StringIO(kit.whole(CSV, written([[name, "z"], [text, ""]]))[len(name) + 5 :].decode()))
    return row[0]


def written(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


@settings(max_examples=80, deadline=None)
@given(st.lists(names, min_size=2, max_size=4), st.data(), st.randoms(use_true_random=False))
def test_random_tables(head: list[str], data: st.DataObject, chance: random.Random) -> None:
    rows = data.draw(st.lists(st.lists(cells, min_size=len(head), max_size=len(head)), max_size=4))
    table = written([head, *rows])
    out = kit.whole(CSV, table)
    read = list(csv.reader(io.StringIO(out.decode(), newline="")))
    assert read[0] == head
    for row, masked in zip(rows, read[1:], strict=True):
        for name, text, got in zip(head, row, masked, strict=True):
            for secret in kit.SECRETS:
                assert secret not in got
            assert name not in CUT or got == ("[KEY]" if text else "")
            if not any(char.isdigit() or char == "@" for char in text) and name not in CUT:
                assert got == text
    cuts = sorted(chance.sample(range(len(table) + 1), min(len(table), chance.randint(1, 9))))
    assert kit.streamed(CSV, kit.cut(table, *cuts)) == out


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*'",;|\t\r\n a', "4111111111111111", "pin", '""', "\r\n"]), max_size=30))
def test_broken_tables_are_the_same_for_every_cut(tokens: list[str]) -> None:
    table = "".join(tokens).encode()
    out = kit.whole(CSV, table)
    for chunks in [*kit.one_cuts(table), kit.bytewise(table)]:
        assert kit.streamed(CSV, chunks) == out


@pytest.mark.parametrize("chunk", [1, 1000, 65536])
def test_long_tables(chunk: int) -> None:
    rows = [f'{number},"note {number}",{"4111111111111111" if number % 9 == 0 else "x"}' for number in range(3000)]
    table = ("id,note,card\n" + "\n".join(rows) + "\n").encode()
    out = kit.streamed(CSV, kit.cut(table, *range(chunk, len(table), chunk)))
    assert out == table.replace(b"4111111111111111", b"[CARD]")


def test_a_record_without_end_is_refused() -> None:
    with pytest.raises(Uninspectable):
        kit.streamed(CSV, [b'a,b\n"'] + [b"x\n" * 32768] * 80)


# -- multipart ---------------------------------------------------------------------------------------------------------

FORM = "multipart/form-data; boundary=--bnd7"
PARTS = (
    b'----bnd7\r\nContent-Disposition: form-data; name="note"\r\n\r\npay 4111 1111 1111 1111\r\n'
    b'----bnd7\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n----bnd7--\r\n',
    b"preamble 123-45-6789\r\n----bnd7\r\n"
    b'Content-Disposition: form-data; name="f"; filename="a 4111111111111111.csv"\r\n'
    b"Content-Type: text/csv\r\n\r\nid,pin\r\n1,99\r\n----bnd7 \t\r\ncontent-type: application/json\r\n\r\n"
    b'{"password":"hunter2","a":[1, 2]}\r\n----bnd7--\r\nepilogue jane.doe@example.com',
    b'----bnd7\nContent-Disposition: form-data; name="routing"\n\n021000021\n----bnd7\n\n123-45-6789\n----bnd7--\n',
    b'----bnd7\r\nContent-Disposition: form-data; name="amount"\r\n\r\n123456\r\n----bnd7--',
    b'----bnd7\r\nContent-Disposition: form-data; filename="; name=pin"; name="note"\r\n\r\n\r\n----bnd7x\r\n'
    b"--\r\n----bnd7-\r\n----bnd7--",
    b"----bnd7\r\nContent-Type: text/plain\r\n\r\n----bnd7\r\n\r\n4111111111111111\r\n----bnd7--",
    b'----bnd7\r\nContent-Disposition: form-data; name="x"\r\n\r\ncut off in 41111111111',
    b"----bnd7\r\nContent-Disposition: form-data; na",
    b"4111111111111111 no boundary at all\r\n--",
    b"----bnd7\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\n\r\n4111111111111111\r\n"
    b"--in--\r\n----bnd7--\r\n",
    b'----bnd7\r\nContent-Disposition: form-data; name="routing"\r\nContent-Type: text/html\r\n\r\n021000021\r\n'
    b"----bnd7\r\nContent-Type: text/xml\r\n\r\n<p>&#52;111111111111111</p>\r\n----bnd7--\r\n",
    b"----bnd7\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\npin=5&q=%34111111111111111\r\n----bnd7--\r\n",
)


@pytest.mark.parametrize("body", PARTS)
def test_every_cut_of_a_multipart_body_gives_the_whole(body: bytes) -> None:
    out = kit.same_for_every_cut(FORM, body, pairs=7)
    for secret in (*kit.SECRETS, "hunter2", ",99", "021000021", "%34111", "&#52;111", "pin=5"):
        assert secret.encode() not in out
    assert out.count(b"--bnd7") == body.count(b"--bnd7")
    assert kit.whole(FORM, body, profile="nothing") == body
    assert kit.streamed(FORM, kit.bytewise(body), profile="nothing") == body


def test_parts_are_read_as_what_they_are() -> None:
    out, findings = kit.told(FORM, [PARTS[1]])
    read = BytesParser(policy=HTTP).parsebytes(b"content-type: " + FORM.encode() + b"\r\n\r\n" + out)
    table, document = (part.get_payload() for part in read.iter_parts())
    assert table == "id,pin\r\n1,[KEY]"
    assert document == '{"password":"[KEY]","a":[1, 2]}'
    assert "[CARD]" in str(next(read.iter_parts())["content-disposition"])
    assert {("key", "$.f[*].pin"), ("key", "$.password")} <= {(each.rule, each.where) for each in findings}


def test_a_field_that_is_complete_is_not_taken_for_cut_off() -> None:
    assert kit.whole(FORM, PARTS[3]) == PARTS[3]


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Type: image/png",
        b"Content-Transfer-Encoding: base64",
        b"content-transfer-encoding : quoted-printable",
        b"Content-Encoding: gzip",
        b"Content-Type: text/plain; charset=utf-16",
        b"Content-Type: text/plain\r\nContent-Type: image/png",
        b"Content-Type: multipart/mixed",
        b"X: " + b"x" * 17_000,
    ],
)
def test_parts_that_cannot_be_looked_into(headers: bytes) -> None:
    body = b"----bnd7\r\n" + headers + b"\r\n\r\nx\r\n----bnd7--\r\n"
    with pytest.raises(Uninspectable):
        kit.whole(FORM, body)


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 201, "; boundary=4111111111111111"])
def test_boundaries_that_are_none(boundary: str) -> None:
    with pytest.raises(Uninspectable):
        kit.whole(f"multipart/form-data{boundary}", b"x")


def test_nesting_has_an_end() -> None:
    body = b"4111111111111111"
    for number in range(9):
        body = b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (number + 1, number) + body
    with pytest.raises(Uninspectable):
        kit.whole("multipart/mixed; boundary=b9", body)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"----bnd7", b"--", b"\r\n", b"\n", b"\r", b" ", b"x", b"4111111111111111",
                         b"\r\n----bnd7\r\n", b"Content-Type: text/csv", b"a: b", b"\r\n\r\n"]),
        max_size=16,
    )
)  # fmt: skip
def test_broken_multipart_is_the_same_for_every_cut(tokens: list[bytes]) -> None:
    def read(chunks: list[bytes]) -> bytes | None:
        try:
            return kit.streamed(FORM, chunks)
        except Uninspectable:  # a header that is there twice, say
            return None

    body = b"".join(tokens)
    out = read([body])
    for chunks in [*kit.one_cuts(body), kit.bytewise(body)]:
        assert read(chunks) == out


def test_closing_a_part_and_cutting_it_are_told_apart() -> None:
    part = kit.masker().stream("text/plain")._part
    assert part.feed(b"41111111111") + part.finish(CLOSED) == b"41111111111"
    part = kit.masker().stream("text/plain")._part
    assert b"4111" not in part.feed(b"41111111111") + part.finish()
