"""A legal hold is an event: without a spool there is none, on the command line too."""

from pathlib import Path

import pytest

from console import holding
from console.recording import NotRecorded, Recorder
from runtime.settings import Settings


def test_what_is_not_recorded_is_no_legal_hold(tmp_path: Path) -> None:
    recorder = Recorder(Settings.model_validate({"gateway": {"state_dir": tmp_path}}))
    with pytest.raises(NotRecorded, match="no spool"):
        holding.add(recorder, {}, "matter 7", "", "", 0)
    with pytest.raises(NotRecorded, match="no spool"):
        holding.release(recorder, "h-1", "matter 7 is closed")
