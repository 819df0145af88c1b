"""`make bench`: every bench, one after the other (half an hour); options go to the one about the gateway."""

import subprocess
import sys

BENCHES = (
    "bench.masking",
    "bench.audit",
    "bench.questions",
    "bench.engine",
    "bench.backtest",
    "bench.gateway",
    "bench.streams",
    "bench.endurance",
    "bench.flood",
    "bench.authz",
)


def main() -> int:
    worst = 0
    for name in BENCHES:
        print(f"\n== {name}", flush=True)
        options = sys.argv[1:] if name == "bench.gateway" else []
        worst = max(worst, subprocess.run([sys.executable, "-m", name, *options], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
