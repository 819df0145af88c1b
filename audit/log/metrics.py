"""How far the shipper is behind."""

from prometheus_client import Gauge

BEHIND = Gauge("exeat_ship_behind_events", "Events of the signed log that ClickHouse does not have yet.")
CAUGHT_UP = Gauge("exeat_ship_caught_up_timestamp_seconds", "When ClickHouse last had every event of the log.")
AWAY = Gauge("exeat_ship_store_away", "1 while ClickHouse does not answer or refuses everything.")
QUARANTINED = Gauge("exeat_ship_quarantined_events", "Events that ClickHouse refuses while it takes others.")


def progress(behind: int, quarantined: int) -> None:
    BEHIND.set(behind)
    QUARANTINED.set(quarantined)
    AWAY.set(0)
    if not behind:
        CAUGHT_UP.set_to_current_time()
