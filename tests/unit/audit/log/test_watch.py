from audit.log.watch import EnvoyWatch, uptime

S = 1_000_000


def told(drafts):
    return [(draft.type, dict(draft.data)) for draft in drafts]


def test_the_uptime_in_what_envoy_answers():
    assert uptime(b'27\r\n{"state":"LIVE",\n "uptime_current_epoch": "12s", "uptime_all_epochs": "99s"}') == 12
    assert uptime(b"not ready") is None


def test_the_first_look_and_quiet_afterwards():
    watch = EnvoyWatch()
    assert told(watch.seen(1000 * S, 10)) == [("envoy.started", {"started_us": 990 * S, "seen_us": 0})]
    assert watch.seen(1002 * S + 900_000, 12) == [], "whole seconds are no restart"


def test_a_restart_between_two_looks():
    watch = EnvoyWatch()
    watch.seen(1000 * S, 10)
    assert told(watch.seen(1002 * S, 0)) == [("envoy.started", {"started_us": 1002 * S, "seen_us": 1000 * S})]


def test_away_is_said_once_and_a_freeze_is_no_restart():
    watch = EnvoyWatch()
    assert watch.seen(1000 * S, None) == [], "it was never there"
    watch.seen(1001 * S, 10)
    assert told(watch.seen(1003 * S, None)) == [("envoy.away", {"seen_us": 1001 * S})]
    assert watch.seen(1005 * S, None) == []
    assert watch.seen(1007 * S, 16) == []
    watch.seen(1009 * S, None)
    assert told(watch.seen(1020 * S, 1)) == [("envoy.started", {"started_us": 1019 * S, "seen_us": 1007 * S})]
