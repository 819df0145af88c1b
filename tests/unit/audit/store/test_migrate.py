"""Numbered, once, never edited."""

from pathlib import Path

import pytest

from audit.store.migrate import SCHEMA_DIR, Migration, MigrationRefused, applied, migrate, pending, shipped

ONE, TWO = (
    Migration(1, "one", "CREATE TABLE audit.a (x Int8);\n"),
    Migration(2, "two", "CREATE VIEW audit.b AS SELECT 1;"),
)


class Database:
    """Remembers statements; fails at `fail_at`, as a server that goes down would."""

    def __init__(self, fail_at: str = "\0"):
        self.ran: list[str] = []
        self.rows: list[list[object]] = []
        self.fail_at = fail_at

    def run(self, sql: str) -> list[list[object]]:
        if self.fail_at in sql:
            raise ConnectionError
        self.ran.append(sql)
        if sql.startswith("SELECT"):
            return sorted(self.rows)
        if sql.startswith("INSERT"):
            version, _, digest = sql.partition("VALUES (")[2].rstrip(")").split(", ")
            self.rows.append([int(version), digest.strip("'")])
        return []


def test_each_runs_once_in_order():
    database = Database()
    assert migrate(database.run, "audit", [ONE, TWO]) == [ONE, TWO]
    made = [sql for sql in database.ran if sql.startswith(("CREATE TABLE audit.a", "CREATE VIEW"))]
    assert made == ["CREATE TABLE audit.a (x Int8)", "CREATE VIEW audit.b AS SELECT 1"]
    assert migrate(database.run, "audit", [ONE, TWO]) == []
    assert applied(database.run, "audit") == [(1, ONE.digest), (2, TWO.digest)]


def test_a_migration_that_broke_runs_again():
    database = Database(fail_at="VIEW")
    with pytest.raises(ConnectionError):
        migrate(database.run, "audit", [ONE, TWO])
    database.fail_at = "\0"
    assert migrate(database.run, "audit", [ONE, TWO]) == [TWO]


def test_an_edited_or_unknown_migration_is_refused():
    with pytest.raises(MigrationRefused, match="001_one was edited"):
        pending([ONE], [(1, "other")])
    with pytest.raises(MigrationRefused, match="does not know"):
        pending([ONE], [(1, ONE.digest), (2, TWO.digest)])


def test_another_database_name():
    assert ONE.statements("evidence") == ["CREATE TABLE evidence.a (x Int8)"]
    for name in ("au dit", "a;b", "", "1a", "a`"):
        with pytest.raises(MigrationRefused):
            migrate(Database().run, name, [ONE])


def test_numbers_have_no_gap(tmp_path: Path):
    (tmp_path / "001_a.sql").write_text("SELECT 1;")
    (tmp_path / "003_c.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationRefused, match="without a gap"):
        shipped(tmp_path)
    (tmp_path / "003_c.sql").rename(tmp_path / "two.sql")
    with pytest.raises(MigrationRefused, match=r"two\.sql"):
        shipped(tmp_path)


def test_comments_and_semicolons_inside_of_lines_stay():
    table = "CREATE TABLE audit.t\n(\n    a Int8 COMMENT 'x; y -- z'\n)\nENGINE = Null"
    text = f"-- a comment; not a statement\n{table};\n\nSELECT 2;\n"
    assert Migration(1, "t", text).statements("audit") == [table, "SELECT 2"]


DERIVED = ("usage_minutes",)  # can be asked of the base tables again


def test_every_table_of_evidence_is_durable_and_never_expires():
    for file in SCHEMA_DIR.glob("*.sql"):
        for statement in Migration(1, "x", file.read_text()).statements("audit"):
            if statement.startswith("CREATE TABLE") and not any(name in statement for name in DERIVED):
                for setting in (
                    "fsync_after_insert = 1",
                    "fsync_part_directory = 1",
                    "min_rows_to_fsync_after_merge = 1",
                    "old_parts_lifetime = 480",
                ):
                    assert setting in statement, file.name
                assert "TTL" not in statement
                assert "ENGINE = MergeTree\n" in statement
