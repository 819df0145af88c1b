"""SQL, described just enough: what all dialects agree on, else unparsable."""

import pytest

from authz.sql import MAX_SQL, MAX_STATEMENTS, UNPARSABLE, statements


def one(text: object) -> tuple[str, list[str], bool]:
    found = statements(text)
    assert len(found) == 1
    return found[0]["verb"], found[0]["tables"], found[0]["where"]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("SELECT 1", ("select", [], False)),
        ("select * from a, b c, d.e as f join g on 1=1 where x=1", ("select", ["a", "b", "d.e", "g"], True)),
        ('select * from "My Table" where x in (select y from z)', ("select", ["My Table", "z"], True)),
        ("select * from a where-- comment\n1=1;", ("select", ["a"], True)),
        ("/* hi */ DELETE /* x */ FROM a", ("delete", ["a"], False)),
        ("delete from a where id = (select 1 from b)", ("delete", ["a", "b"], True)),
        ("delete from a using (select id from b where x) q", ("delete", ["a", "b"], False)),
        ("UPDATE a SET b = 'where' ", ("update", ["a"], False)),
        ("update only a set b = 1 where c", ("update", ["a"], True)),
        ("insert into a.b (c) values ('x;y''z')", ("insert", ["a.b"], False)),
        ("merge into t using s on t.i = s.i when matched then delete", ("merge", ["t", "s"], False)),
        ("with x as (delete from a returning *) select * from x", ("delete", ["a", "x"], False)),
        ("with x as (select 1) select * from x", ("select", ["x"], False)),
        ("explain select 1 from a", ("explain", ["a"], False)),
        ("explain analyze delete from a", ("delete", ["a"], False)),
        ("drop table if exists a, b", ("drop", ["a", "b"], False)),
        ("TRUNCATE TABLE a", ("truncate", ["a"], False)),
        ("truncate a", ("truncate", ["a"], False)),
        ("create table if not exists a (x int)", ("create", ["a"], False)),
        ("alter table a drop column b", ("alter", ["a"], False)),
        ("grant all on a to b", ("grant", [], False)),
        ("select $1::int, a->>'b' from t", ("select", ["t"], False)),
        ("select * from `t`", ("select", ["t"], False)),
        ("select * from Müller", ("select", ["müller"], False)),
    ],
)
def test_statements(text: str, want: tuple[str, list[str], bool]) -> None:
    assert one(text) == want


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ";", "-- nothing", "hello", "exec sp_who", "vacuum", "set x = 1", "(select 1)", "select (1",
        "select 1)", "select 'a\\' or 1=1 --'", "select $$x$$", "select $tag$ x $tag$", "delete from a # comment",
        "select [a] from b", "/*!50000 drop table a */", "/*+ hint */ select 1", "/* a /* b */ c */ select 1",
        "select 'open", 'select "open', "/* open", "select * into b from a", "with x as (values (1)) table x",
        "select \u2018a\u2019", "select 1\0", "select 1 --1; drop table a", "delete from a -- x\r where y",
        "delete from a -- x\u2028 where y", "select\u00a01",
        "x" * (MAX_SQL + 1), None, 1, ["select 1"], {"a": 1}, ";".join(["select 1"] * (MAX_STATEMENTS + 1)),
    ],
)  # fmt: skip
def test_whatever_dialects_disagree_on_is_unparsable(text: object) -> None:
    assert statements(text) == [UNPARSABLE]


def test_one_bad_statement_does_not_hide_the_others() -> None:
    assert [found["verb"] for found in statements("select 1; exec x; drop table y")] == ["select", "unparsable", "drop"]
