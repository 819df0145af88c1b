import pytest
from pydantic import ValidationError

from audit.store.cluster import clustered, on_cluster
from audit.store.migrate import migrate, shipped
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
