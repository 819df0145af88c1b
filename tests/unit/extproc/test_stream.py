"""Conversations with the state machine: no sockets, no time, no protobuf."""

import hashlib
from dataclasses import replace

import pytest

from approvals.facts import Narrowing
from approvals.view import Hit, View
from extproc import commands as cmd
from extproc import events as ev
from extproc.past import Past
from extproc.states import TABLE, State
from extproc.stream import Limits, Stream
from runtime.errors import GatewayError
from tests.kit.masks import PlainRules
from tests.kit.playbook import (
    BODY,
    Playbook,
    ask,
    body,
    chunk,
    end,
    headers,
    held,
    lost,
    record,
    recorded,
    refuse,
    request_body,
    request_headers,
    response_headers,
    trailers,
    verdict,
)


def play(rules: PlainRules | None = None, limits: Limits | None = None) -> Playbook:
    return Playbook(Stream(rules or PlainRules(), limits or Limits()))


def forwarded(rules: PlainRules | None = None, limits: Limits | None = None, **fields: object) -> Playbook:
    """A conversation that stands where the upstream has the request."""
    line = play(rules, limits) >> request_headers(verdict(**fields)) << cmd.PassHeaders()  # type: ignore[arg-type]
    return line >> request_body() << record("request", "frame.recorded") >> recorded("request") << cmd.PassBody()


def holding() -> Playbook:
    line = play() >> request_headers(held()) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    line = line << record("request") >> recorded("request") << ask() >> ev.Asked("a-1", "requested")
    return line << cmd.AwaitApproval("a-1")


# an allowed exchange


def test_an_answer_is_recorded_before_it_goes_and_the_end_afterwards() -> None:
    line = (
        forwarded()
        >> response_headers()
        >> chunk(b'{"a":"SECRET"}')
        << record("response", "frame.recorded", "masking.applied")
    )
    line = line >> recorded() << headers(x_exeat_decision="e-1", x_exeat_inspected="e-1") << body(b'{"a":"[MASKED]"}')
    line = line >> chunk(b"", end=True) << body(b"", end=True) << end("answered") >> recorded("end")
    assert line
    assert line.stream.done


def test_the_frame_is_byte_for_byte_what_went() -> None:
    line = (
        forwarded() >> response_headers() >> chunk(b"one SECRET ") << record("response") >> chunk(b"two") >> recorded()
    )
    line = (
        line
        << record("response", "frame.recorded")
        << headers()
        << body(b"one [MASKED] ")
        >> recorded()
        << body(b"two")
    )
    line = line >> chunk(b"", end=True) << body(b"", end=True) << end("answered")
    drafts = [draft for said in line.said if isinstance(said, cmd.Record) for draft in said.drafts]
    frames = [frame for draft in drafts for frame in draft.frames if frame.direction == "response"]
    assert b"".join(frame.content for frame in frames) == b"one [MASKED] two"
    assert [frame.index for frame in frames] == [0, 1]
    assert frames[0].at_us < frames[1].at_us


def test_what_gathers_while_a_record_is_on_its_way_is_one_batch() -> None:
    line = (
        forwarded()
        >> response_headers()
        >> chunk(b"1")
        << record("response")
        >> chunk(b"2")
        >> chunk(b"3")
        >> recorded()
    )
    line = line << record("response") << headers() << body(b"1") >> chunk(b"", end=True) >> recorded()
    assert line << body(b"23", end=True) << end("answered")


def test_a_secret_over_a_chunk_edge_never_goes() -> None:
    line = (
        forwarded()
        >> response_headers()
        >> chunk(b"x SEC")
        << record("response")
        >> recorded()
        << headers()
        << body(b"x ")
    )
    line = line >> chunk(b"RET y", end=True) << record("response") >> recorded()
    assert line << body(b"[MASKED] y", end=True) << end("answered")


def test_a_get_without_a_body_goes_at_its_headers_and_has_no_frame() -> None:
    line = play() >> request_headers(verdict(b""), end=True) << cmd.PassHeaders()
    assert line >> response_headers("", end=True, status=204) << headers() << end("answered")


def test_headers_are_masked_and_what_describes_the_bytes_goes() -> None:
    line = forwarded() >> response_headers(end=True, content_length="9", etag="W", x_note="a SECRET", set_cookie="s=1")
    line = line << record("response", "masking.applied") >> recorded()
    line = line << headers(x_note="a [MASKED]") << end("answered")
    sent = next(said for said in line.said if isinstance(said, cmd.SendHeaders)).edit
    assert set(sent.drop) == {"content-length", "etag"}
    assert "set-cookie" not in dict(sent.put)


def test_trailers_are_masked_and_the_held_tail_goes_before_them() -> None:
    line = (
        forwarded()
        >> response_headers()
        >> chunk(b"x SEC")
        << record("response")
        >> recorded()
        << headers()
        << body(b"x ")
    )
    line = line >> trailers(x_sum="SECRET") << record("response", "frame.recorded", "masking.applied") >> recorded()
    line = line << body(b"SEC") << cmd.SendTrailers(cmd.HeaderEdit((("x-sum", (b"[MASKED]",)),)))
    assert line << end("answered")


def test_a_second_end_of_stream_is_passed_over() -> None:
    line = forwarded() >> response_headers() >> chunk(b"x", end=True) << record("response") >> chunk(b"raw", end=True)
    line = line >> recorded() << headers() << body(b"x", end=True) << end("answered") >> chunk(b"raw", end=True)
    assert line >> recorded("end") >> chunk(b"raw")


def test_an_event_stream_has_its_headers_soon_though_it_is_silent() -> None:
    line = forwarded() >> response_headers("text/event-stream")
    assert line.timers["head"] == 0.25
    assert line >> ev.Deadline("head") << headers()


def test_relaxed_runs_ahead_of_the_record_but_not_far() -> None:
    line = forwarded(limits=Limits(ahead=10)) >> response_headers() >> chunk(b"12345678") << record("response")
    line = line << headers() << body(b"12345678") >> chunk(b"abcdefgh")
    line = line >> recorded() << record("response") << body(b"abcdefgh") >> ev.Deadline("behind") >> chunk(b"9")
    line = line >> recorded() << record("response") << body(b"9")
    assert line >> chunk(b"", end=True) >> recorded() << body(b"", end=True) << end("answered")


def test_relaxed_says_at_a_cut_what_had_gone() -> None:
    line = forwarded(limits=Limits(ahead=100)) >> response_headers() >> chunk(b"1") << record("response") << headers()
    line = line << body(b"1") >> chunk(b"2") << body(b"2") >> ev.Gone()
    assert line << record("end", "frame.recorded", "exchange.end")


def test_reading_stops_while_too_much_waits() -> None:
    line = forwarded() >> response_headers() >> chunk(b"x" * (1 << 20)) << record("response")
    assert not line.stream.wants_input
    line = line >> recorded() << headers() << body(b"x" * (1 << 20))
    assert line.stream.wants_input


def test_binary_of_a_type_that_passes_is_recorded_by_hash_alone() -> None:
    from snapshot.connections import Connection

    rules = PlainRules(Connection("anthropic", "anthropic", "https://a", uninspectable=("image/*",)))
    line = forwarded(rules) >> response_headers("image/png") >> chunk(b"SECRET", end=True)
    line = line << record("response", "frame.recorded") >> recorded() << headers() << body(b"SECRET", end=True)
    assert line << end("answered")
    draft = next(said for said in line.said if isinstance(said, cmd.Record) and said.tag == "response").drafts[0]
    assert draft.frames == ()
    assert draft.data["inspected"] is False
    assert draft.data["bytes"] == 6


# a held exchange


def test_granted_is_used_once_and_then_goes() -> None:
    line = holding() >> ev.Answered("granted") << cmd.Consume("a-1", verdict().request_digest) >> ev.Consumed(True)
    line = line << cmd.PassBody() >> response_headers(end=True) << headers() << end("answered")
    assert "hold" not in line.timers


def test_the_approver_is_shown_the_masked_request() -> None:
    line = play() >> request_headers(held(b'{"q":"SECRET"}')) << cmd.PassHeaders() >> request_body(b'{"q":"SECRET"}')
    line = (
        line << cmd.ExtendTimeout(605) << record("request", "frame.recorded", "masking.applied") >> recorded("request")
    )
    assert line << ask()
    asked = line.said[-1].ask  # type: ignore[attr-defined]
    view = View.read(asked.shown)
    assert (view.content, view.media, view.action) == (
        '{"q":"[MASKED]"}',
        "application/json",
        "POST /anthropic/v1/messages",
    )
    assert (view.rule, view.risk, view.digest) == ("ledger_write", "standard", asked.received_digest)
    assert (view.findings, asked.hits, view.previous) == ((Hit("secret", "$"),), 1, None)
    assert (asked.upstream, asked.rule, asked.subject) == ("https://a", "ledger_write", "agent-7")
    assert asked.received_digest == asked.forwarded_digest == held(b'{"q":"SECRET"}').request_digest


def asked_after(body: bytes, earlier: bytes, **fields: object) -> View:
    """What is shown of a held request after an earlier one, held or not."""
    past = Past()
    first = Playbook(Stream(PlainRules(), Limits(), past)) >> request_headers(verdict(earlier, **fields))
    assert (first << cmd.PassHeaders() >> request_body(earlier)).skip()
    line = Playbook(Stream(PlainRules(), Limits(), past)) >> request_headers(held(body)) << cmd.PassHeaders()
    line = (line >> request_body(body)).skip() >> recorded("request") << ask()
    return View.read(line.said[-1].ask.shown)  # type: ignore[attr-defined]


def test_the_approver_is_shown_what_is_new() -> None:
    view = asked_after(b'{"to":"SECRET","amount":2}', b'{"to":"SECRET","amount":1}', exchange="e-0")
    assert view.previous is not None
    assert view.previous.exchange == "e-0"
    assert view.previous.difference.splitlines()[-3:] == ['- "amount": 1', '+ "amount": 2', " }"]
    assert "SECRET" not in view.previous.difference


@pytest.mark.parametrize("other", [{"subject": "x"}, {"agent": "x"}, {"issuer": "x"}, {"connection": "openai"}])
def test_what_others_sent_is_not_shown(other: dict[str, object]) -> None:
    assert asked_after(b'{"a":2}', b'{"a":1}', **other).previous is None


def narrowed(profile: str = "pci", most: int = 0) -> Playbook:
    less = Narrowing((profile,), most)
    return holding() >> ev.Answered("granted", narrowing=less)


def test_a_grant_may_add_a_profile_for_the_answer() -> None:
    line = narrowed() << cmd.Consume("a-1", verdict().request_digest) >> ev.Consumed(True) << cmd.PassBody()
    assert line.stream.exchange.verdict is not None
    assert line.stream.exchange.verdict.masking == ("pci",)


def test_a_profile_that_nobody_has_any_more_closes() -> None:
    line = narrowed("gone") << refuse(503, "unknown_profile") << cmd.Withdraw("a-1")
    assert line << end("refused", "unknown_profile")


def test_a_grant_may_limit_the_answer() -> None:
    line = narrowed(most=10) << cmd.Consume("a-1", verdict().request_digest) >> ev.Consumed(True) << cmd.PassBody()
    line = line >> response_headers() >> chunk(b"12345") << record("response") >> chunk(b"678901")
    assert line << refuse(502, "approved_limit") << end("refused", "approved_limit")


def test_a_grant_that_waits_already_narrows_too() -> None:
    line = play() >> request_headers(held()) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    line = line << record("request") >> recorded("request") << ask()
    line = line >> ev.Asked("a-1", "granted", Narrowing(("pci",))) << cmd.Consume("a-1", verdict().request_digest)
    assert line.stream.exchange.verdict is not None
    assert line.stream.exchange.verdict.masking == ("pci",)


def test_a_hold_without_a_body_extends_at_the_headers() -> None:
    line = play() >> request_headers(held(b""), end=True) << cmd.ExtendTimeout(605) << ask()
    line = line >> ev.Asked("a-1", "requested") << cmd.AwaitApproval("a-1") >> ev.Answered("granted")
    assert line << cmd.Consume("a-1", held(b"").request_digest) >> ev.Consumed(True) << cmd.PassHeaders()


@pytest.mark.parametrize("state", ["refused", "expired", "withdrawn"])
def test_anything_but_a_grant_is_403(state: str) -> None:
    line = holding() >> ev.Answered(state) << refuse(403, f"approval_{state}") << end("refused", f"approval_{state}")
    line = line >> recorded("end")
    assert line.stream.done


def test_the_approvers_words_reach_the_caller_with_the_decision_and_no_retry() -> None:
    line = holding() >> ev.Answered("refused", "Not on a Friday.")
    said = next(it for it in line.said if isinstance(it, cmd.Refuse))
    assert b"Not on a Friday. (Exeat decision e-1)" in said.answer.body
    assert {("x-should-retry", "false"), ("x-exeat-decision", "e-1")} <= set(said.answer.headers)


def test_a_caller_with_little_patience_is_told_what_to_ask_for_again() -> None:
    line = play() >> request_headers(replace(held(), patience=30)) << cmd.PassHeaders() >> request_body()
    line = line << cmd.ExtendTimeout(605) << record("request") >> recorded("request") << ask()
    line = line >> ev.Asked("a-1", "requested") << cmd.AwaitApproval("a-1")
    assert 26 < line.timers["hold"] < 27
    line = line >> ev.Deadline("hold") << refuse(403, "approval_pending") << cmd.Withdraw("a-1")
    assert line << end("refused", "approval_pending")
    said = next(it for it in line.said if isinstance(it, cmd.Refuse))
    assert b"Approval a-1." in said.answer.body
    assert ("x-should-retry", "false") in said.answer.headers


def test_a_requester_who_must_say_why_and_does_not_makes_no_card() -> None:
    terms = {"justification": "required", "justification_from": ("requester",)}
    line = play() >> request_headers(held(**terms)) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    line = line << record("request") >> recorded("request")
    assert line << refuse(403, "justification_required") << end("refused", "justification_required")
    known = replace(held(**terms), justification="month end")
    line = play() >> request_headers(known) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    assert line << record("request") >> recorded("request") << ask()


def test_a_grant_that_somebody_else_used_is_403() -> None:
    line = holding() >> ev.Answered("granted") << cmd.Consume("a-1", verdict().request_digest) >> ev.Consumed(False)
    assert line << refuse(403, "approval_used") << end("refused", "approval_used")


def test_a_caller_who_leaves_takes_the_question_back() -> None:
    assert holding() >> ev.Gone() << cmd.Withdraw("a-1") << end("client_gone", "while_holding") >> recorded("end")


def test_a_question_that_got_through_too_late_is_taken_back() -> None:
    line = play() >> request_headers(held()) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    line = line << record("request") >> recorded("request") << ask() >> ev.Gone() << end("client_gone", "while_asking")
    line = line >> recorded("end")
    assert not line.stream.done
    assert line >> ev.Asked("a-1", "requested") << cmd.Withdraw("a-1")
    assert line.stream.done


def test_nobody_answers_at_all() -> None:
    line = holding()
    assert line.timers["hold"] == 545
    line = line >> ev.Deadline("hold") << refuse(403, "approval_expired") << cmd.Withdraw("a-1")
    assert line << end("refused", "approval_expired")


def test_a_hold_lasts_no_longer_than_the_gateway_allows() -> None:
    line = play(limits=Limits(max_wait=60)) >> request_headers(held(expires_s=3000)) << cmd.PassHeaders()
    assert line >> request_body() << cmd.ExtendTimeout(125) << record("request")


def test_wait_respond_answers_at_once_and_leaves_the_question_open() -> None:
    line = play() >> request_headers(held(wait="respond")) << cmd.PassHeaders() >> request_body()
    line = line << cmd.ExtendTimeout(60) << record("request") >> recorded("request") << ask()
    line = (
        line >> ev.Asked("a-1", "requested") << refuse(403, "approval_required") << end("refused", "approval_required")
    )
    said = next(it for it in line.said if isinstance(it, cmd.Refuse))
    assert b"a-1" in said.answer.body
    assert line


def test_a_caller_who_comes_back_finds_the_grant() -> None:
    line = play() >> request_headers(held()) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    line = line << record("request") >> recorded("request") << ask() >> ev.Asked("a-1", "granted")
    assert line << cmd.Consume("a-1", held().request_digest) >> ev.Consumed(True) << cmd.PassBody()


def test_a_release_is_checked_again() -> None:
    rules = PlainRules()
    line = play(rules) >> request_headers(held()) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    line = line << record("request") >> recorded("request") << ask() >> ev.Asked("a-1", "requested")
    line = line << cmd.AwaitApproval("a-1")
    from snapshot.connections import Connection

    rules.known["anthropic"] = Connection("anthropic", "anthropic", "https://elsewhere")
    line = line >> ev.Answered("granted") << refuse(503, "upstream_moved") << cmd.Withdraw("a-1")
    assert line << end("refused", "upstream_moved")


def test_envoys_own_answer_during_a_hold_ends_the_hold() -> None:
    line = holding() >> response_headers(status=504) << cmd.Withdraw("a-1") >> chunk(b"timeout", end=True)
    line = line << record("response") >> recorded() << headers() << body(b"timeout", end=True)
    assert line << end("local_reply") >> ev.Answered("granted") >> recorded("end")


# what fails, fails closed

# the request as it goes out, and tokens on the way back

TELLING = b'{"a":"SECRET"}'
CLEANED = b'{"a":"[MASKED]"}'


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_request_goes_as_its_profiles_leave_it_and_both_digests_are_recorded_first() -> None:
    told = verdict(request_masking=("pci",), request_digest=sha256(TELLING))
    line = play() >> request_headers(told) << cmd.PassHeaders() >> request_body(TELLING)
    line = line << record("request", "masking.forwarded", "frame.recorded") >> recorded("request")
    assert line << cmd.PassBody(CLEANED)
    (said,) = [said for said in line.said if isinstance(said, cmd.Record)]
    facts = said.drafts[0].data
    assert (facts["received_digest"], facts["forwarded_digest"]) == (sha256(TELLING), sha256(CLEANED))
    assert facts["profiles"] == ["pci"]
    assert said.drafts[1].frames[0].content == CLEANED


def test_a_request_without_anything_to_mask_goes_as_it_came() -> None:
    assert forwarded(request_masking=("pci",))


def test_the_floor_never_changes_a_request() -> None:
    line = play() >> request_headers(verdict(request_digest=sha256(TELLING))) << cmd.PassHeaders()
    line = line >> request_body(TELLING) << record("request", "frame.recorded", "masking.applied")
    assert line >> recorded("request") << cmd.PassBody()


def test_a_request_that_cannot_be_inspected_does_not_go() -> None:
    told = verdict(request_masking=("pci",), request_digest=sha256(b"BINARY"))
    line = play() >> request_headers(told) << cmd.PassHeaders() >> request_body(b"BINARY")
    assert line << refuse(415, "uninspectable_request") << end("refused", "uninspectable_request")


def test_a_profile_for_requests_that_we_lack_closes() -> None:
    line = play() >> request_headers(verdict(request_masking=("unheard-of",)))
    assert line << refuse(503, "unknown_profile") << end("refused", "unknown_profile")


def test_an_approval_binds_what_goes_out() -> None:
    told = replace(held(), request_masking=("pci",), request_digest=sha256(TELLING))
    line = play() >> request_headers(told) << cmd.PassHeaders() >> request_body(TELLING) << cmd.ExtendTimeout(605)
    line = line << record("request") >> recorded("request") << ask() >> ev.Asked("a-1", "granted")
    line = line << cmd.Consume("a-1", sha256(CLEANED)) >> ev.Consumed(True)
    assert line << cmd.PassBody(CLEANED)
    (asked,) = [said.ask for said in line.said if isinstance(said, cmd.AskApproval)]
    assert (asked.received_digest, asked.forwarded_digest) == (sha256(TELLING), sha256(CLEANED))
    assert b"[MASKED]" in asked.shown.content
    assert b"SECRET" not in asked.shown.content


def test_tokens_are_turned_back_behind_the_record() -> None:
    line = forwarded(restore=True) >> response_headers() >> chunk(b"x [MASK") << record("response", "frame.recorded")
    line = line >> recorded() << headers() << body(b"x ") >> chunk(b"ED] y", end=True) << record("response")
    line = line >> recorded() << body(b"SECRET y", end=True) << end("answered")
    drafts = [draft for said in line.said if isinstance(said, cmd.Record) for draft in said.drafts]
    kept = b"".join(frame.content for draft in drafts for frame in draft.frames)
    assert b"[MASKED] y" in kept
    assert b"SECRET" not in kept
    assert drafts[-1].data["restored"] == 1


def test_without_restore_tokens_stay() -> None:
    line = forwarded() >> response_headers() >> chunk(b"x [MASKED]", end=True) << record("response") >> recorded()
    assert line << headers() << body(b"x [MASKED]", end=True) << end("answered")


def test_without_a_verdict_nothing_goes() -> None:
    line = play() >> request_headers(None) << refuse(503, "malformed_verdict")
    assert line.stream.done
    said = line.said[-1]
    assert isinstance(said, cmd.Refuse)
    assert b'"type":"error"' in said.answer.body  # in the shape of the connection that the path names


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"masking": ("unheard-of",)}, "unknown_profile"),
        ({"tools_hide": ("drop",), "kind": "http"}, "unsupported_verdict"),
    ],
)
def test_a_verdict_that_cannot_be_kept_is_refused(fields: dict[str, object], code: str) -> None:
    assert play() >> request_headers(verdict(**fields)) << refuse(503, code) << end("refused", code)  # type: ignore[arg-type]


def test_a_body_that_is_not_the_decided_one_is_refused() -> None:
    line = play() >> request_headers(verdict()) << cmd.PassHeaders() >> request_body(BODY + b" ")
    assert line << refuse(503, "digest_mismatch") << end("refused", "digest_mismatch")


def test_trailers_of_a_request_are_refused() -> None:
    line = play() >> request_headers(verdict()) << cmd.PassHeaders() >> request_body(BODY, end=False)
    assert line << refuse(400, "request_trailers") << end("refused", "request_trailers")
    line = play() >> request_headers(verdict()) << cmd.PassHeaders() >> ev.RequestTrailers()
    assert line << refuse(400, "request_trailers") << end("refused", "request_trailers")


def test_a_request_that_cannot_be_recorded_does_not_go() -> None:
    line = play() >> request_headers(verdict()) << cmd.PassHeaders() >> request_body() << record("request")
    assert line >> lost("request") << refuse(503, "spool_full") << end("refused", "spool_full") >> lost("end")
    assert line.stream.done


@pytest.mark.parametrize("code", ["approvals_down", "too_many_waiting"])
def test_no_answer_of_approvals_is_503(code: str) -> None:
    line = play() >> request_headers(held()) << cmd.PassHeaders() >> request_body() << cmd.ExtendTimeout(605)
    line = line << record("request") >> recorded("request") << ask() >> ev.HoldFailed(code)
    assert line << refuse(503, code) << end("refused", code)
    assert holding() >> ev.HoldFailed(code) << refuse(503, code) << cmd.Withdraw("a-1") << end("refused", code)


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (response_headers(status=206), 502, "partial_content"),
        (response_headers("multipart/byteranges; boundary=x"), 502, "partial_content"),
        (response_headers(status=101), 502, "malformed_response"),
        (response_headers(x_envoy_note="SECRET"), 503, "header_fixed"),
    ],
)
def test_answers_that_must_not_go_are_refused_at_their_headers(
    answer: ev.ResponseHeaders, status: int, code: str
) -> None:
    assert forwarded() >> answer << refuse(status, code) << end("refused", code)


UNREADABLE = [
    response_headers("image/png"),
    response_headers(""),
    response_headers("application/json, text/plain"),
    response_headers(content_encoding="gzip"),
]


@pytest.mark.parametrize("answer", UNREADABLE)
def test_answers_that_cannot_be_inspected_are_refused_at_their_first_byte(answer: ev.ResponseHeaders) -> None:
    line = forwarded() >> answer >> chunk(b"SECRET")
    assert line << refuse(502, "uninspectable_response") << end("refused", "uninspectable_response")


@pytest.mark.parametrize("answer", UNREADABLE)
def test_and_go_when_they_are_empty(answer: ev.ResponseHeaders) -> None:
    assert forwarded() >> answer >> chunk(b"", end=True) << headers() << body(b"", end=True) << end("answered")


def test_a_body_that_turns_out_unreadable_is_still_a_clean_502() -> None:
    line = forwarded() >> response_headers() >> chunk(b"BINARY")
    assert line << refuse(502, "uninspectable") << end("refused", "uninspectable")


def test_a_recorder_that_fails_before_the_headers_is_503() -> None:
    line = forwarded() >> response_headers() >> chunk(b"x") << record("response") >> lost()
    assert line << refuse(503, "spool_full") << end("refused", "spool_full")


def started(media: str, first: bytes) -> Playbook:
    line = forwarded() >> response_headers(media) >> chunk(first) << record("response") >> recorded()
    return line << headers() << body(first)


def test_an_event_stream_ends_with_an_event() -> None:
    line = started("text/event-stream", b"data: 1\n\n") >> chunk(b"data: 2\n\n") << record("response") >> lost()
    line = line << cmd.SendBody(line.said[-2].data, end=True) << end("cut", "spool_full")  # type: ignore[attr-defined]
    event = line.said[-2].data  # type: ignore[attr-defined]
    assert event.startswith(b"event: error\ndata: ")
    assert b'"code":"spool_full"' in event


def test_an_event_stream_in_the_middle_of_an_event_is_reset() -> None:
    line = started("text/event-stream", b"data: 1") >> chunk(b"data: 2\n\n") << record("response") >> lost()
    assert line << cmd.Reset("spool_full") << end("cut", "spool_full")


def test_any_other_answer_is_reset() -> None:
    line = started("application/json", b'{"a":') >> chunk(b"1}") << record("response") >> lost()
    assert (
        line << cmd.Reset("spool_full") << end("cut", "spool_full") >> chunk(b"raw") >> recorded("end") >> chunk(b"raw")
    )


def test_a_masker_that_raises_anything_closes_and_its_text_goes_nowhere() -> None:
    rules = PlainRules()
    rules.fail = RuntimeError("4111 1111 1111 1111")
    line = play(rules) >> request_headers(verdict()) << cmd.PassHeaders() >> request_body()
    line = line << refuse(503, "internal") << end("refused", "internal")
    assert line.stream.fault == "RuntimeError"
    assert "4111" not in repr(line.said)


def test_an_answer_inside_an_answer_is_nonsense() -> None:
    line = started("application/json", b"{") >> response_headers()
    assert line << cmd.Reset("unexpected_event") << end("cut", "unexpected_event")


def test_without_a_snapshot_nothing_goes() -> None:
    rules = PlainRules()
    rules.down = GatewayError("no snapshot")
    assert play(rules) >> request_headers(verdict()) << refuse(503, "gateway_error") << end("refused", "gateway_error")
    assert play(rules) >> response_headers(status=401) << refuse(503, "gateway_error")


def test_a_silent_upstream_is_504() -> None:
    line = forwarded() >> ev.Deadline("silence") << refuse(504, "upstream_silent")
    assert line << end("refused", "upstream_silent")
    line = started("application/json", b"{") >> ev.Deadline("silence") << cmd.Reset("upstream_silent")
    assert line << end("cut", "upstream_silent")


def test_nonsense_is_reset() -> None:
    assert forwarded() >> ev.Broken("unknown_message") << cmd.Abort("unknown_message") << end("cut", "unknown_message")
    assert (
        forwarded() >> request_body(b"again") << refuse(503, "unexpected_event") << end("refused", "unexpected_event")
    )


# local replies, which belong to no exchange


def test_a_local_reply_passes_masked_marked_and_unrecorded() -> None:
    line = play() >> response_headers(status=401, x_exeat_decision="e-9") >> chunk(b'{"e":"SECRET"}', end=True)
    line = line << headers(x_exeat_inspected="local") << body(b'{"e":"[MASKED]"}', end=True)
    assert line.stream.done
    sent = next(said for said in line.said if isinstance(said, cmd.SendHeaders)).edit
    assert "x-exeat-decision" not in dict(sent.put)


def test_a_local_reply_is_bounded() -> None:
    line = play() >> response_headers(status=401) >> chunk(b"x" * 60_000) << headers() << body(b"x" * 60_000)
    assert line >> chunk(b"x" * 60_000) << cmd.Reset("local_reply_too_long")
    assert line.stream.done


def test_an_upstream_that_failed_is_told_from_one_that_answered() -> None:
    line = forwarded() >> response_headers(end=True, status=503, x_exeat_reply="local") << headers()
    assert line << end("local_reply")


# the table


def test_done_says_nothing_again() -> None:
    line = play() >> ev.Gone()
    assert line.stream.done
    assert line >> request_headers(verdict()) >> response_headers() >> chunk(b"SECRET") >> recorded() >> ev.Broken("x")


def test_every_row_has_its_method_and_every_state_can_be_left() -> None:
    for state, rows in TABLE.items():
        for row in rows.values():
            assert callable(getattr(Stream, row.do))
        if state not in (State.ENDING, State.DONE):
            assert {ev.Gone, ev.Broken} <= set(rows)
    reached = {target for rows in TABLE.values() for row in rows.values() for target in row.to}
    assert reached | {State.START, State.ENDING, State.DONE} == set(State)
