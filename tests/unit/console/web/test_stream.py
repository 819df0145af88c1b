"""Server-sent events."""

from collections.abc import AsyncIterator

from console.web.stream import event, stream


def test_every_line_is_a_field_of_its_own() -> None:
    assert event("<p>\na</p>") == "event: message\ndata: <p>\ndata: a</p>\n\n"
    assert event("a\r\nevent: x\n\nb") == "event: message\ndata: a\ndata: event: x\ndata: \ndata: b\n\n"


async def test_the_stream_ends_with_its_events_and_closes_them() -> None:
    closed = []

    async def events() -> AsyncIterator[str]:
        try:
            yield event("one")
            yield event("two")
        finally:
            closed.append(True)

    found = [chunk async for chunk in stream(events()).body_iterator]
    assert found == ["retry: 1000\n\n", event("one"), event("two")]
    assert closed


async def test_a_browser_that_goes_ends_what_is_asked_for_it() -> None:
    closed = []

    async def events() -> AsyncIterator[str]:
        try:
            while True:
                yield event("one")
        finally:
            closed.append(True)

    answer = stream(events()).body_iterator
    async for chunk in answer:
        if "one" in str(chunk):
            break
    await answer.aclose()  # type: ignore[attr-defined]
    assert closed
