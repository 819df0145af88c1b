"""The table itself."""

import pytest

from extproc import events as ev
from extproc.states import TABLE, State
from extproc.stream import Stream

LIVE = [state for state in State if state not in (State.ENDING, State.DONE)]


def test_every_state_has_its_rows_and_every_row_its_method() -> None:
    assert set(TABLE) == set(State)
    for rows in TABLE.values():
        assert all(callable(getattr(Stream, row.do)) for row in rows.values())


@pytest.mark.parametrize("state", LIVE)
def test_from_every_live_state_the_caller_may_leave_and_envoy_may_break(state: State) -> None:
    assert {ev.Gone, ev.Broken, ev.Revoked} <= set(TABLE[state])


@pytest.mark.parametrize("state", [State.BODY, State.NOTING, State.ASKING, State.HOLDING, State.CONSUMING])
def test_while_the_request_waits_envoy_may_answer_by_itself(state: State) -> None:
    assert State.ANSWERING in TABLE[state][ev.ResponseHeaders].to


def test_every_state_can_be_reached_and_done_cannot_be_left() -> None:
    reached = {target for rows in TABLE.values() for row in rows.values() for target in row.to}
    assert reached | {State.START, State.ENDING, State.DONE} == set(State)
    assert TABLE[State.DONE] == {}


def test_only_a_consumed_grant_or_a_noted_allow_lets_a_request_go() -> None:
    ways = {(state, event) for state, rows in TABLE.items() for event, row in rows.items() if State.FORWARDED in row.to}
    assert ways == {
        (State.START, ev.RequestHeaders),
        (State.BODY, ev.RequestBody),
        (State.NOTING, ev.Recorded),
        (State.CONSUMING, ev.Consumed),
    }
