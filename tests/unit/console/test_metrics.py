from prometheus_client import CollectorRegistry, generate_latest

from console.metrics import merged
from runtime.metrics import Measured

SPOOL = "# HELP exeat_spool_down Closed.\n# TYPE exeat_spool_down gauge\nexeat_spool_down {}\n"
EVENTS = (
    '# HELP exeat_events Events.\n# TYPE exeat_events counter\nexeat_events_total{type="decision.allow",code=""} 7\n'
)
ENVOY = "# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n"


def text(answers: dict[str, str], envoy: str, *files: str) -> list[str]:
    registry = CollectorRegistry()
    registry.register(Measured(lambda: merged(answers, envoy, files)))
    return generate_latest(registry).decode().splitlines()


def test_parts_share_a_family_and_keep_their_names() -> None:
    lines = text({"authz-0": SPOOL.format(0) + EVENTS, "extproc": SPOOL.format(1)}, ENVOY)
    assert lines.count("# TYPE exeat_spool_down gauge") == 1
    assert {'exeat_spool_down{part="authz-0"} 0.0', 'exeat_spool_down{part="extproc"} 1.0'} <= set(lines)
    assert 'exeat_events_total{code="",part="authz-0",type="decision.allow"} 7.0' in lines
    assert "envoy_server_live 1.0" in lines


def test_silence_is_a_figure() -> None:
    lines = text({"authz-0": SPOOL.format(0), "extproc": ""}, "")
    up = {line for line in lines if line.startswith("exeat_part_up")}
    assert up == {
        'exeat_part_up{part="authz-0"} 1.0',
        'exeat_part_up{part="extproc"} 0.0',
        'exeat_part_up{part="envoy"} 0.0',
    }


def test_what_ran_from_a_timer_is_shown_too_and_breaks_nothing() -> None:
    ours = "# TYPE exeat_reconcile_breaches gauge\nexeat_reconcile_breaches 3.0\n"
    again = SPOOL.format(1)  # a name that a part has already
    other = "# TYPE node_load1 gauge\nnode_load1 1.0\n"
    lines = text({"authz-0": SPOOL.format(0)}, ENVOY, ours, again, other, "no { metrics", "")
    assert "exeat_reconcile_breaches 3.0" in lines
    assert [line for line in lines if line.startswith("exeat_spool_down")] == ['exeat_spool_down{part="authz-0"} 0.0']
    assert "node_load1 1.0" not in lines
