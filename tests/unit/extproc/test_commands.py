"""Commands may end up in an error message: they show no content there."""

from extproc import commands as cmd
from extproc.refusals import answer


def test_bytes_are_never_shown() -> None:
    shown = [
        cmd.SendBody(b"SECRET"),
        cmd.SendHeaders(cmd.HeaderEdit((("a", (b"SECRET",)),))),
        cmd.Refuse(answer("http", "approval_refused", "e-1", "SECRET"), "approval_refused"),
        cmd.Record("end", ()),
    ]
    assert "SECRET" not in repr(shown)
