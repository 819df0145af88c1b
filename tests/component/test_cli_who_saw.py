"""`exeat audit who-saw VALUE`: the record holds no values, only keyed tokens."""

import json
import shutil
import sqlite3
from pathlib import Path

from click.testing import CliRunner, Result

from audit.store.client import writer_client
from console.cli import main
from runtime.settings import Settings
from snapshot import layout, repository
from snapshot.current import Current
from snapshot.masking_keys import masking_keys
from tests.kit import evidence
from tests.kit.store import RunningStore, running

IBAN, SESSION = "GB82 WEST 1234 5698 7654 32", "session-of-who-saw"


def publish(state: Path, tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "policies", tmp_path / "policies")
    connections = 'ledger: {kind: http, upstream: "http://127.0.0.1:1"}\n'
    (tmp_path / "policies" / "data" / "connections.yaml").write_text(connections)
    policies = repository.read(tmp_path / "policies")
    layout.write(state, policies, "")
    layout.move_current(state, policies.digest)


def masked_once(settings: Settings) -> evidence.Record:
    """What extproc would have recorded when the IBAN passed in one session."""
    rules = Current(settings.gateway.state_dir, {}).get().masking
    masker = rules.masker(["floor"], keys=masking_keys(settings), tweak=SESSION.encode())
    (finding,) = masker.text(f"to {IBAN} today")[1]
    record = evidence.Record(session=SESSION)
    told = {
        "rule": finding.rule,
        "version": "1",
        "operator": "redact",
        "where": "$.to",
        "count": 1,
        "token": finding.token,
    }
    record.event("masking.applied", evidence.HELD, 0, {"direction": "response", "findings": [told]})
    return record


def test_a_value_is_found_by_its_tokens_and_goes_nowhere_itself(tmp_path: Path):
    with running(tmp_path / "state") as store:
        publish(store.folder, tmp_path)
        (store.folder / "spool").mkdir()
        with writer_client(store.settings) as client:
            masked_once(store.settings).insert(client)
        seen = json.loads(asked(tmp_path, store, IBAN.replace(" ", ""), "--json").stdout)
        assert [(row["session"], row["agent"], row["place"]) for row in seen["seen"]] == [
            (SESSION, "ledger-agent", "$.to")
        ]
        assert "Not seen." in asked(tmp_path, store, "DE89370400440532013000").output
        assert "no rule" in asked(tmp_path, store, "just words", code=2).output
        reads = sqlite3.connect(store.folder / "spool" / "reads.db")
        assert not any(b"5698" in body for (body,) in reads.execute("SELECT body FROM events"))
        reads.close()
        assert b"5698" not in store.log.read_bytes()


def asked(tmp_path: Path, store: RunningStore, *arguments: str, code: int = 0) -> Result:
    toml = f'[gateway]\nstate_dir = "{store.folder}"\n[clickhouse]\nurl = "{store.url}"\n'
    (tmp_path / "exeat.toml").write_text(toml)
    result = CliRunner().invoke(main, ["-c", str(tmp_path / "exeat.toml"), "audit", "who-saw", *arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result
