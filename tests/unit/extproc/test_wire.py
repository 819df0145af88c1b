"""Protobuf in, events out; commands in, protobuf out."""

import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb

from extproc import commands as cmd
from extproc import events as ev
from extproc import wire
from extproc.commands import HeaderEdit
from extproc.refusals import answer


def request(kind: str, **fields: object) -> pb.ProcessingRequest:
    message = pb.ProcessingRequest()
    target = getattr(message, kind)
    target.SetInParent()
    for name, value in fields.items():
        setattr(target, name, value)
    return message


def test_each_message_has_its_event() -> None:
    message = request("request_headers", end_of_stream=True)
    item = message.request_headers.headers.headers.add()
    item.key, item.raw_value = "a", b"\xff"
    old = message.request_headers.headers.headers.add()
    old.key, old.value = "b", "text"
    assert wire.event(message) == ev.RequestHeaders((("a", b"\xff"), ("b", b"text")), True, None)
    assert wire.event(request("request_body", body=b"x", end_of_stream=True)) == ev.RequestBody(b"x", True)
    assert wire.event(request("request_trailers")) == ev.RequestTrailers()
    assert wire.event(request("response_headers")) == ev.ResponseHeaders((), False)
    assert wire.event(request("response_body", body=b"y")) == ev.ResponseBody(b"y", False)
    assert wire.event(request("response_trailers")) == ev.ResponseTrailers(())
    assert wire.event(pb.ProcessingRequest()) == ev.Broken("unknown_message")


def test_only_authz_is_heard_and_only_its_strings() -> None:
    message = request("request_headers")
    message.metadata_context.filter_metadata["somebody.else"].update({"v": "1"})
    assert wire.event(message).metadata is None  # type: ignore[attr-defined]
    message.metadata_context.filter_metadata[wire.NAMESPACE].update({"v": "1", "ext_authz_duration": 3})
    assert wire.event(message).metadata == {"v": "1", "ext_authz_duration": None}  # type: ignore[attr-defined]


def test_passing_sets_the_reply_of_the_message_at_hand() -> None:
    assert wire.response(cmd.PassHeaders()).WhichOneof("response") == "request_headers"
    assert wire.response(cmd.PassBody()).WhichOneof("response") == "request_body"
    extended = wire.response(cmd.ExtendTimeout(605))
    assert (extended.WhichOneof("response"), extended.override_message_timeout.seconds) == (None, 605)


def test_another_body_goes_with_its_length() -> None:
    """Envoy ends an exchange whose body is not as long as its header says."""
    said = wire.response(cmd.PassBody(b"less")).request_body.response
    assert said.body_mutation.body == b"less"
    (length,) = said.header_mutation.set_headers
    assert (length.header.key, length.header.raw_value) == ("content-length", b"4")
    assert not wire.response(cmd.PassBody()).request_body.response.HasField("body_mutation")


def test_bodies_go_as_duplex_mode_wants_them() -> None:
    streamed = wire.response(cmd.SendBody(b"x", end=True)).response_body.response.body_mutation.streamed_response
    assert (streamed.body, streamed.end_of_stream) == (b"x", True)


def test_a_header_with_two_values_is_overwritten_then_appended() -> None:
    edit = HeaderEdit((("set-cookie", (b"a", b"b")),), ("etag",))
    for mutation in (
        wire.response(cmd.SendHeaders(edit)).response_headers.response.header_mutation,
        wire.response(cmd.SendTrailers(edit)).response_trailers.header_mutation,
    ):
        assert list(mutation.remove_headers) == ["etag"]
        one, two = mutation.set_headers
        assert (one.header.raw_value, one.append_action, one.HasField("append")) == (b"a", wire.OVERWRITE, False)
        assert (two.header.raw_value, two.append.value) == (b"b", True)


def test_a_refusal_is_an_immediate_response_with_our_details() -> None:
    refuse = cmd.Refuse(answer("anthropic", "approval_refused", "e-1"), "approval_refused")
    immediate = wire.response(refuse).immediate_response
    assert (immediate.status.code, immediate.details) == (403, "exeat_approval_refused")
    sent = {item.header.key: item.header.raw_value for item in immediate.headers.set_headers}
    assert sent["x-exeat-decision"] == b"e-1"
    assert sent["x-should-retry"] == b"false"
    assert wire.response(cmd.Reset("spool_full")).immediate_response.details == "exeat_spool_full"


@pytest.mark.parametrize("command", [cmd.Abort("x"), cmd.SetTimer("hold", 1), cmd.Record("end", ())])
def test_what_is_not_for_envoy_is_not_said_to_envoy(command: cmd.Command) -> None:
    assert wire.response(command) is None


def test_no_reply_ever_changes_a_mode() -> None:
    for command in (cmd.PassHeaders(), cmd.PassBody(), cmd.SendHeaders(HeaderEdit()), cmd.SendBody(b"")):
        message = wire.response(command)
        assert not message.HasField("mode_override")
        assert b"CONTINUE_AND_REPLACE" not in str(message).encode()


def test_another_body_brings_its_length_and_takes_the_digests_along() -> None:
    common = wire.response(cmd.PassBody(b"abc")).request_body.response
    assert common.body_mutation.body == b"abc"
    (length,) = common.header_mutation.set_headers
    assert (length.header.key, length.header.raw_value, length.append_action) == (
        "content-length",
        b"3",
        wire.OVERWRITE,
    )
    assert {"digest", "content-digest", "repr-digest", "content-md5"} == set(common.header_mutation.remove_headers)
    assert not wire.response(cmd.PassBody()).request_body.response.HasField("body_mutation")
