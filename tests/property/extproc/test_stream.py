"""Laws of the state machine, for any events in any order, as a hostile Envoy, upstream and disk would send them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from extproc import commands as cmd
from extproc import events as ev
from extproc.stream import Limits, Stream
from tests.kit.masks import PlainRules
from tests.kit.playbook import BODY, held, request_headers, response_headers, trailers, verdict

PIECES = [b"a", b"SEC", b"RET", b"SECRET", b"BINARY", b"\n\n", b"data: x\n\n", b""]
EVENTS = st.one_of(
    st.sampled_from([verdict(), held(), held(wait="respond"), verdict(masking=("none-such",)), None]).map(
        request_headers
    ),
    st.builds(ev.RequestBody, st.sampled_from([BODY, b"other"]), st.booleans()),
    st.just(ev.RequestTrailers()),
    st.sampled_from(["application/json", "text/event-stream", "image/png"]).map(response_headers),
    st.builds(ev.ResponseBody, st.sampled_from(PIECES), st.booleans()),
    st.just(trailers(x_note="SECRET")),
    st.builds(ev.Recorded, st.sampled_from(["request", "response", "end"])),
    st.builds(ev.RecordFailed, st.sampled_from(["request", "response", "end"]), st.just("spool_full")),
    st.builds(ev.Asked, st.just("a-1"), st.sampled_from(["requested", "granted"])),
    st.builds(ev.Answered, st.sampled_from(["granted", "refused", "expired"])),
    st.builds(ev.Consumed, st.booleans()),
    st.just(ev.HoldFailed("approvals_down")),
    st.sampled_from(["hold", "silence", "head", "behind"]).map(ev.Deadline),
    st.just(ev.Revoked("r-1")),
    st.just(ev.Gone()),
    st.just(ev.Broken("x")),
)
# most random stories end at once: these begin where it gets interesting
BEGINNINGS = st.sampled_from(
    [
        [],
        [request_headers(verdict()), ev.RequestBody(BODY, True), ev.Recorded("request")],
        [request_headers(held()), ev.RequestBody(BODY, True), ev.Recorded("request"), ev.Asked("a-1", "requested")],
        [
            request_headers(verdict()),
            ev.RequestBody(BODY, True),
            ev.Recorded("request"),
            response_headers("text/event-stream"),
        ],
    ]
)


def told(commands: list[cmd.Command]) -> bytes:
    """What went of the upstream's answer; a last event of our own is not of it."""
    sent = [command.data for command in commands if isinstance(command, cmd.SendBody)]
    return b"".join(data for data in sent if not data.startswith(b"event: error"))


@settings(max_examples=400)
@given(BEGINNINGS, st.lists(EVENTS, max_size=25), st.sampled_from([0, 5]))
def test_nothing_unmasked_undecided_or_unrecorded_goes(
    beginning: list[ev.Event], story: list[ev.Event], ahead: int
) -> None:
    stream = Stream(PlainRules(), Limits(ahead=ahead))
    said: list[cmd.Command] = []
    asked_to_record, durable, consumed, noted = b"", b"", False, False
    for now, event in enumerate([*beginning, *story]):
        durable = asked_to_record if event == ev.Recorded("response") else durable
        consumed = consumed or event == ev.Consumed(True)
        noted = noted or event == ev.Recorded("request")
        over = stream.over
        new = stream.handle(event, now)
        said += new
        if over:
            assert all(isinstance(command, cmd.Withdraw) for command in new)
        for command in new:
            if isinstance(command, cmd.Record) and command.tag == "response":
                asked_to_record += b"".join(frame.content for draft in command.drafts for frame in draft.frames)
        if stream.exchange.verdict:
            assert len(told(said)) <= len(durable) + ahead
        assert b"SECRET" not in told(said)
    passes = [command for command in said if isinstance(command, cmd.PassBody)]
    assert len(passes) <= 1
    if passes and stream.exchange.verdict:
        assert noted
        assert consumed or stream.exchange.verdict.effect == "allow"
    finals = [
        it for it in said if isinstance(it, cmd.Refuse | cmd.Reset | cmd.Abort) or getattr(it, "end", False) is True
    ]
    assert len(finals) <= 1


@given(BEGINNINGS, st.lists(EVENTS, max_size=25))
def test_every_story_ends_when_everybody_has_answered(beginning: list[ev.Event], story: list[ev.Event]) -> None:
    stream = Stream(PlainRules(), Limits())
    said: list[cmd.Command] = []
    for event in [*beginning, *story, ev.Gone(), ev.Recorded("end"), ev.Asked("a-1", "requested")]:
        said += stream.handle(event, 0)
    assert stream.done
    ends = [it for it in said if isinstance(it, cmd.Record) and it.tag == "end"]
    assert len(ends) == (1 if stream.exchange.verdict else 0)
    asked = any(isinstance(it, cmd.AwaitApproval) for it in said)
    settled = any(isinstance(it, cmd.Withdraw | cmd.Consume) for it in said) or any(
        isinstance(event, ev.Answered) for event in story
    )
    assert settled or not asked
