"""Which event may come in which state, what then does it, and where that may lead. Pure; the rules are here.

Theory. A stream begins with request headers (an exchange) or with response headers (Envoy answered somebody by itself,
before or instead of us). An exchange waits for its body, notes it, perhaps asks people, lets it go, and then an
answer flows. In every state four things may come instead of what is due: Envoy's own answer, the caller's leaving,
a revocation of the caller, and a failure of ours. Each has its row. What has no row is a failure.

Whatever fails, fails closed: a refusal while nothing has gone, a well-formed last event or a reset afterwards. Then
the last facts are recorded (ENDING), though nobody listens any more, and the stream is DONE: it says nothing again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from extproc import events as ev


class State(StrEnum):
    START = "start"
    BODY = "body"  # headers have passed, the body is due
    NOTING = "noting"  # the request is being recorded
    ASKING = "asking"  # an approval is being asked for
    HOLDING = "holding"  # people think
    CONSUMING = "consuming"  # the grant is being used
    FORWARDED = "forwarded"  # the upstream has it
    ANSWERING = "answering"
    ENDING = "ending"  # over; the last facts are being recorded
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Row:
    """`do`: the method of Stream. `to`: where it may lead besides staying; ENDING and DONE are always open."""

    do: str
    to: tuple[State, ...] = ()


S = State
_ANYTIME = {ev.Gone: Row("_gone"), ev.Broken: Row("_broken"), ev.Revoked: Row("_revoked")}
_WAITING = {**_ANYTIME, ev.ResponseHeaders: Row("_instead", (S.ANSWERING,)), ev.RequestTrailers: Row("_unwanted")}
_LATE = {ev.Asked: Row("_asked_late"), ev.HoldFailed: Row("_hold_failed_late")}

TABLE: Mapping[State, Mapping[type[ev.Event], Row]] = {
    S.START: {
        **_ANYTIME,
        ev.RequestHeaders: Row("_request", (S.BODY, S.ASKING, S.FORWARDED)),
        ev.ResponseHeaders: Row("_outside", (S.ANSWERING,)),
    },
    S.BODY: {**_WAITING, ev.RequestBody: Row("_body", (S.NOTING, S.ASKING, S.FORWARDED))},
    S.NOTING: {
        **_WAITING,
        ev.Recorded: Row("_noted", (S.ASKING, S.FORWARDED)),
        ev.RecordFailed: Row("_not_recorded"),
    },
    S.ASKING: {
        **_WAITING,
        ev.Asked: Row("_asked", (S.HOLDING, S.CONSUMING)),
        ev.HoldFailed: Row("_hold_failed"),
    },
    S.HOLDING: {
        **_WAITING,
        ev.Answered: Row("_answered", (S.CONSUMING,)),
        ev.HoldFailed: Row("_hold_failed"),
        ev.Deadline: Row("_hold_expired"),
    },
    S.CONSUMING: {
        **_WAITING,
        ev.Consumed: Row("_consumed", (S.FORWARDED,)),
        ev.HoldFailed: Row("_hold_failed"),
    },
    S.FORWARDED: {
        **_ANYTIME,
        ev.ResponseHeaders: Row("_answer", (S.ANSWERING,)),
        ev.Deadline: Row("_silent"),
    },
    S.ANSWERING: {
        **_ANYTIME,
        ev.Asked: Row("_call_asked"),
        ev.HoldFailed: Row("_call_failed"),
        ev.ResponseBody: Row("_answer_body"),
        ev.ResponseTrailers: Row("_answer_trailers"),
        ev.Recorded: Row("_answer_recorded"),
        ev.RecordFailed: Row("_not_recorded"),
        ev.Deadline: Row("_answer_timer"),
        ev.Answered: Row("_call_answered"),
        ev.Consumed: Row("_call_consumed"),
    },
    S.ENDING: {**_LATE, ev.Recorded: Row("_end_recorded"), ev.RecordFailed: Row("_end_lost")},
    S.DONE: {},
}
