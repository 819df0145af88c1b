import pytest
from pydantic import ValidationError

from audit.store.cluster import clustered, on_cluster, over_shards
from audit.store.migrate import MigrationRefused, migrate, shipped
from runtime.settings import ClickHouse


class Server:
    def __init__(self) -> None:
        self.ran: list[str] = []

    def run(self, sql: str) -> list[list[object]]:
        self.ran.append(sql)
        return []


def test_every_statement_of_the_schema_is_for_every_replica():
    server = Server()
    assert migrate(on_cluster(server.run, "bank-1"), "audit") == shipped()
    made = [sql for sql in server.ran if not sql.startswith(("SELECT", "INSERT"))]
    assert len(made) > 15
    assert all(sql.count(" ON CLUSTER 'bank-1'") == 1 for sql in made), made
    engines = [sql.partition("ENGINE = ")[2].split()[0] for sql in made if "ENGINE = " in sql]
    assert set(engines) == {"ReplicatedMergeTree", "ReplicatedAggregatingMergeTree"}
    assert len(engines) == 5


def test_what_asks_or_inserts_stays_as_it_is():
    for sql in ("SELECT 'CREATE TABLE x'", "INSERT INTO audit.migrations VALUES (1)"):
        assert clustered(sql, "c") == sql
    server = Server()
    assert on_cluster(server.run, "") == server.run


def test_the_embedded_store_is_no_cluster():
    assert ClickHouse(cluster="bank", embedded=False).cluster == "bank"
    for wrong in ({"cluster": "bank"}, {"cluster": "x' y", "embedded": False}):
        with pytest.raises(ValidationError):
            ClickHouse.model_validate(wrong)


def test_a_second_database_reads_all_shards_and_stores_nothing():
    made = over_shards(shipped(), "audit", "audit_all", "bank-1")
    tables = [sql for sql in made if sql.startswith("CREATE TABLE")]
    assert tables[0] == (
        "CREATE TABLE IF NOT EXISTS audit_all.events AS audit.events ENGINE = Distributed('bank-1', 'audit', 'events')"
    )
    assert len(tables) == 4
    assert not any("MergeTree" in sql or "MATERIALIZED" in sql or "INSERT" in sql for sql in made)
    assert all("audit." not in sql for sql in made if sql not in tables), "views read the tables of all shards"
    usage = [sql for sql in made if sql.startswith("CREATE OR REPLACE VIEW audit_all.usage")][-1]
    assert (usage.count("GLOBAL NOT IN"), usage.count("GLOBAL IN"), usage.count("kind IN (")) == (1, 1, 1)
    server = Server()
    for statement in made:
        on_cluster(server.run, "bank-1")(statement)
    assert all(sql.count(" ON CLUSTER 'bank-1'") == 1 for sql in server.ran)
    with pytest.raises(MigrationRefused):
        over_shards(shipped(), "audit", "a b", "bank-1")


def test_all_shards_are_those_of_a_cluster():
    assert ClickHouse(cluster="bank", embedded=False, all_shards="audit_all").all_shards == "audit_all"
    for wrong in ({"cluster": ""}, {"all_shards": "audit"}, {"all_shards": "a b"}):
        with pytest.raises(ValidationError):
            ClickHouse.model_validate({"cluster": "bank", "embedded": False, "all_shards": "audit_all"} | wrong)
