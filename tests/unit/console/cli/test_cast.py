import json

from audit.read.timeline import Frame, Moment, Note
from console.cli.cast import cast


def test_a_recording_that_asciinema_reads():
    first = Moment(0, 0, 0, Note(5_000_000, "exchange-1", "decision.allow", "allow bot"))
    second = Moment(500_000, 500_000, 0, Frame("exchange-1", "response", 0, 1, "text/plain", b"hi \x1b[31m\n"))
    head, *lines = [json.loads(line) for line in cast([first, second], "t", 5_000_000)]
    assert head == {"version": 2, "width": 120, "height": 40, "timestamp": 5, "title": "t"}
    assert [line[:2] for line in lines] == [[0.0, "o"], [0.5, "o"]]
    assert "allow bot" in lines[0][2]
    assert lines[0][2].endswith("\r\n")
    assert "hi \\x1b[31m" in lines[1][2], "what was recorded cannot steer the terminal that plays it"


def test_nothing_is_a_recording_too():
    assert len(list(cast([], "t", 0))) == 1
