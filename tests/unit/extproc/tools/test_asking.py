"""The approvals of held calls, one by one."""

from typing import Any

import pytest

from extproc import events as ev
from extproc.commands import AskApproval, AwaitApproval, Consume, Withdraw
from extproc.tools.asking import MOST, Asking
from extproc.tools.call import Call, KeptTooLong
from tests.kit.approvals import ask

CALLS = [Call("1", "execute_sql", "{}"), Call("2", "delete_file", "{}")]


def about(call: Call) -> Any:
    return ask(tool=call.tool, received_digest=call.key * 64, forwarded_digest=call.key * 64)


def asking(*, responds: bool = False) -> Asking:
    made = Asking(about, responds=responds)
    assert made.begin(CALLS) == [AskApproval(about(call), call.key) for call in CALLS]
    return made


def test_each_call_has_an_approval_of_its_own() -> None:
    made = asking()
    assert made.asked(ev.Asked("a-1", "requested", key="1")) == ([AwaitApproval("a-1", "1")], [])
    assert made.asked(ev.Asked("a-2", "requested", key="2")) == ([AwaitApproval("a-2", "2")], [])
    assert made.answered(ev.Answered("granted", key="2")) == ([Consume("a-2", "2" * 64, "2")], [])
    assert made.consumed(ev.Consumed(True, "2")) == [("2", "")]
    commands, ((key, sentence),) = made.answered(ev.Answered("refused", "Not on a Friday.", key="1"))
    assert (commands, key) == ([], "1")
    assert sentence == "The call of execute_sql was refused by an approver. Not on a Friday."
    assert not made.open


def test_a_grant_that_is_there_already_is_used_at_once() -> None:
    assert asking().asked(ev.Asked("a-1", "granted", key="1")) == ([Consume("a-1", "1" * 64, "1")], [])


def test_a_grant_that_cannot_be_used_is_none() -> None:
    made = asking()
    made.asked(ev.Asked("a-1", "requested", key="1"))
    made.answered(ev.Answered("granted", key="1"))
    ((key, sentence),) = made.consumed(ev.Consumed(False, "1"))
    assert (key, "cannot be used again" in sentence) == ("1", True)


@pytest.mark.parametrize("state", ["expired", "withdrawn", "something new"])
def test_whatever_is_no_grant_is_a_sentence(state: str) -> None:
    made = asking()
    made.asked(ev.Asked("a-1", "requested", key="1"))
    _, ((_, sentence),) = made.answered(ev.Answered(state, key="1"))
    assert sentence.startswith("The call of execute_sql was ")


def test_where_nobody_waits_the_caller_is_told_what_to_wait_for() -> None:
    _, ((_, sentence),) = asking(responds=True).asked(ev.Asked("a-1", "requested", key="1"))
    assert sentence.endswith("which has been asked for: a-1.")


def test_the_end_of_all_patience_takes_every_question_back() -> None:
    made = asking()
    made.asked(ev.Asked("a-1", "requested", key="1"))
    commands, decided = made.expired()
    assert commands == [Withdraw("a-1")]
    assert [key for key, _ in decided] == ["1", "2"]
    # the question about the second got through too late
    assert made.asked(ev.Asked("a-2", "requested", key="2")) == ([Withdraw("a-2")], [])
    assert made.answered(ev.Answered("granted", key="1")) == ([], [])
    assert made.consumed(ev.Consumed(True, "1")) == []


def test_nobody_looks_at_a_thousand_calls() -> None:
    with pytest.raises(KeptTooLong):
        Asking(about, responds=False).begin([Call(str(n), "x", "") for n in range(MOST + 1)])
