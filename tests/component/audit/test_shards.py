"""The database that reads all shards, made by the real engine over a cluster of two that it knows by name alone.

No shard answers here, so nothing is read; but the engine makes every table and view, and plans what asks no shard while
it is planned: all but the view `usage` and the question `people-since`.
"""

import subprocess
import sys
from pathlib import Path

CLUSTER = """<clickhouse><remote_servers><two>
<shard><replica><host>127.0.0.1</host><port>1</port></replica></shard>
<shard><replica><host>127.0.0.1</host><port>2</port></replica></shard>
</two></remote_servers></clickhouse>"""

NO_SHARD_ANSWERS = "Code: 279"

# chDB is loaded in a process of its own
SCRIPT = """
import sys
from clickhouse_connect import get_client
from audit.read.questions import known
from audit.store.cluster import over_shards
from audit.store.migrate import migrate, shipped

folder, samples = sys.argv[1], {"String": "x", "DateTime": "2026-11-20", "Array(String)": "a,b"}
client = get_client(interface="chdb", path=f"{folder}/db", chdb_options={"config-file": f"{folder}/cluster.xml"})
def run(sql):
    return client.query(sql).result_rows if sql.startswith("SELECT") else client.command(sql)
migrate(run, "audit")
for again in range(2):
    for statement in over_shards(shipped(), "audit", "audit_all", "two"):
        run(statement)
client.command("USE audit_all")
print("engines", run("SELECT groupUniqArray(engine) FROM system.tables WHERE database = 'audit_all'")[0][0])
def plan(name, sql, parameters):
    try:
        client.query(f"EXPLAIN {sql}", parameters=parameters)
        print("planned", name)
    except Exception as error:
        print("refused", name, str(error)[:300].replace(chr(10), " "))
for (table,) in run("SELECT name FROM system.tables WHERE database = 'audit_all' ORDER BY name"):
    plan(f"table.{table}", f"SELECT * FROM {table}", {})
for question in known().values():
    given = {part.name: samples.get(part.type, "1") for part in question.parameters if part.default is None}
    asked = question.bind(given, 1_795_176_000_000_000)
    plan(question.name, asked.sql, dict(asked.parameters))
"""


def test_the_engine_makes_it_and_plans_all_questions_but_two(tmp_path: Path):
    (tmp_path / "cluster.xml").write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert sorted(lines[0].removeprefix("engines ").strip("[]").split(", ")) == ["'Distributed'", "'View'"]
    assert len(lines) > 40
    refused = [line for line in lines if line.startswith("refused")]
    assert not [line for line in refused if NO_SHARD_ANSWERS not in line], refused
    asked_in_planning = ["table.usage", "people-since"]  # what stands after GLOBAL IN
    assert [line.split()[1] for line in refused] == asked_in_planning
