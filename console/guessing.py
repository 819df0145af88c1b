"""What a text is that nobody told the type of."""

import json
from pathlib import Path

MEDIA = {
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".sse": "text/event-stream",
    ".csv": "text/csv",
    ".html": "text/html",
    ".xml": "application/xml",
}


def guess(name: str, data: bytes) -> str:
    known = MEDIA.get(Path(str(name)).suffix.lower())
    if known:
        return known
    try:
        json.loads(data)
    except ValueError:
        return "text/plain"
    return "application/json"
