import json

from audit.read.holds import fold


def row(type_: str, data: object, ts: int = 1) -> dict:
    body = json.dumps({"data": data})
    return {"ts_us": ts, "month": 202605, "subject": "eve", "type": f"legal_hold.{type_}", "body": body}


ADDED = {"id": "a", "reason": "matter", "scope": {"agent": "bot", "session": ""}, "since_us": 5, "until_us": 0}


def test_added_and_released():
    (hold,) = fold([row("added", ADDED)])
    assert hold.active
    assert (hold.scope, hold.since_us, hold.month, hold.added_by) == ({"agent": "bot"}, 5, 202605, "eve")
    (hold,) = fold([row("added", ADDED), row("released", {"id": "a", "reason": "over"}, 9)])
    assert (hold.active, hold.released_us, hold.released_because) == (False, 9, "over")
    assert fold([row("released", {"id": "a"})]) == []


def test_what_cannot_be_read_holds_everything():
    for data in (None, {"id": "a"}, {"id": "a", "scope": []}, []):
        (hold,) = fold([row("added", data)])
        assert hold.active
        assert hold.scope == {}


def test_conditions_bind_their_values():
    (hold,) = fold([row("added", ADDED | {"scope": {"agent": "x' OR 1"}})])
    where, values = hold.events(3)
    assert "OR 1" not in where
    assert values == {"h3_agent": "x' OR 1", "h3_since": 5}
    where, values = hold.frames(0)
    assert "exchange IN (SELECT exchange FROM events" in where
    assert values["h0_agent"] == "x' OR 1"
