import io
import json
import logging

from runtime.log import JsonLines


def test_an_exception_is_its_type_and_never_its_text() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.Logger("exeat.test")
    logger.addHandler(handler)
    try:
        raise ValueError("536-22-1234")
    except ValueError:
        logger.exception("refused", extra={"fields": {"code": "x"}})
    line = json.loads(stream.getvalue())
    assert (line["event"], line["code"], line["error_type"]) == ("refused", "x", "ValueError")
    assert "536" not in stream.getvalue()
