"""`python -m audit.forward` as the supervisor starts it: one target gets all of the log while another is away."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.kit.serving import free_port
from tests.kit.signed_log import evidence, write_tiles


def test_each_target_at_its_own_pace(tmp_path: Path):
    write_tiles(evidence([n % 2 for n in range(600)]), tmp_path / "state" / "log" / "tiles")
    (tmp_path / "exeat.toml").write_text(
        f"""[gateway]
state_dir = "{tmp_path}/state"
run_dir = "{tmp_path}/run"
[[forward_targets]]
name = "near"
kind = "file"
path = "{tmp_path}/near"
[[forward_targets]]
name = "far"
kind = "otlp"
url = "http://127.0.0.1:{free_port()}"
"""
    )
    env = {"PATH": os.defpath, "EXEAT_CONFIG": str(tmp_path / "exeat.toml")}
    with subprocess.Popen([sys.executable, "-m", "audit.forward"], env=env, stderr=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + 60
            near = tmp_path / "near"
            while not near.exists() or near.read_bytes().count(b"\n") < 600:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=60)[1].decode()
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert "target_away" in said
    assert near.read_bytes().count(b"\n") == 600
    assert (tmp_path / "state" / "log" / "forward-near").read_text().strip() == "600"
    assert not (tmp_path / "state" / "log" / "forward-far").exists()
