"""The only file that touches Envoy's protobuf: ProcessingRequest → event, command → ProcessingResponse.

Facts seen on Envoy 1.40 that the API's documentation does not say: a second value for a header is added only with the
old `append` flag (`append_action` zero means overwrite here), removals run before additions, a plain `body` mutation
in duplex mode is an error, and an immediate response is taken at any time before response headers went out, and
resets the exchange afterwards.
"""

from collections.abc import Mapping
from typing import Any

from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as pb_grpc

from extproc import events as ev
from extproc.commands import (
    Command,
    ExtendTimeout,
    HeaderEdit,
    PassBody,
    PassHeaders,
    Refuse,
    Reset,
    SendBody,
    SendHeaders,
    SendTrailers,
)
from extproc.headers import DIGESTS, INSPECTED

NAMESPACE = "envoy.filters.http.ext_authz"  # written by authz alone (snapshot/envoy/filters.py)
OVERWRITE = 2  # HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD


def event(message: Any) -> ev.Event:
    """What a ProcessingRequest means; Broken if it means nothing to us."""
    kind = message.WhichOneof("request")
    read = _READERS.get(kind)
    return read(message, getattr(message, kind)) if read else ev.Broken("unknown_message")


def _headers(values: Any) -> ev.Headers:
    return tuple((item.key, item.raw_value or item.value.encode()) for item in values.headers)


def _metadata(message: Any) -> Mapping[str, object] | None:
    """authz's verdict as it was written; what is not a string there becomes None, which no verdict accepts."""
    spaces = message.metadata_context.filter_metadata
    if NAMESPACE not in spaces:
        return None
    fields = spaces[NAMESPACE].fields
    return {
        name: value.string_value if value.WhichOneof("kind") == "string_value" else None
        for name, value in fields.items()
    }


_READERS: Mapping[str | None, Any] = {
    "request_headers": lambda message, it: ev.RequestHeaders(
        _headers(it.headers), it.end_of_stream, _metadata(message)
    ),
    "request_body": lambda _, it: ev.RequestBody(it.body, it.end_of_stream),
    "request_trailers": lambda _, it: ev.RequestTrailers(),
    "response_headers": lambda _, it: ev.ResponseHeaders(_headers(it.headers), it.end_of_stream),
    "response_body": lambda _, it: ev.ResponseBody(it.body, it.end_of_stream),
    "response_trailers": lambda _, it: ev.ResponseTrailers(_headers(it.trailers)),
}


def response(command: Command) -> Any:
    """The ProcessingResponse that says `command` to Envoy, or None for a command that is not for Envoy."""
    answer = pb.ProcessingResponse()
    match command:
        case ExtendTimeout(seconds):
            answer.override_message_timeout.FromSeconds(seconds)
        case PassHeaders():
            answer.request_headers.SetInParent()
        case PassBody(instead):
            answer.request_body.SetInParent()
            if instead is not None:
                _replace(answer.request_body.response, instead)
        case SendHeaders(edit):
            _edit(answer.response_headers.response.header_mutation, edit)
        case SendBody(data, end):
            streamed = answer.response_body.response.body_mutation.streamed_response
            streamed.body, streamed.end_of_stream = data, end
        case SendTrailers(edit):
            _edit(answer.response_trailers.header_mutation, edit)
        case Refuse():
            _refuse(answer.immediate_response, command)
        case Reset(code):
            # an immediate response after headers went out makes Envoy reset the exchange; an error status would do so
            # as well, but count as `server_half_closed`, on which an operator is to be alarmed
            answer.immediate_response.status.code = 503
            answer.immediate_response.details = f"exeat_{code}"
        case _:
            return None
    return answer


def _replace(common: Any, body: bytes) -> None:
    """Envoy refuses a body whose length is not the header's, and leaves setting that to us."""
    common.body_mutation.body = body
    length = str(len(body)).encode()
    _edit(common.header_mutation, HeaderEdit(put=(("content-length", (length,)),), drop=DIGESTS))


def _edit(mutation: Any, edit: HeaderEdit) -> None:
    mutation.SetInParent()
    mutation.remove_headers.extend(edit.drop)
    for name, values in edit.put:
        for index, value in enumerate(values):
            option = mutation.set_headers.add()
            option.header.key, option.header.raw_value = name, value
            if index:
                option.append.value = True
            else:
                option.append_action = OVERWRITE


def _refuse(immediate: Any, refuse: Refuse) -> None:
    immediate.status.code = refuse.answer.status
    immediate.body = refuse.answer.body
    immediate.details = f"exeat_{refuse.code}"  # local_reply_config leaves bodies with such details alone
    marks = ((INSPECTED, "refused"), *refuse.answer.headers)
    _edit(immediate.headers, HeaderEdit(tuple((name, (value.encode(),)) for name, value in marks)))


Servicer: Any = pb_grpc.ExternalProcessorServicer


def register(servicer: Any, server: Any) -> None:
    pb_grpc.add_ExternalProcessorServicer_to_server(servicer, server)
