"""`python -m audit.ship`: all spools of this gateway → one signed log → ClickHouse."""

import gc
from functools import partial

from audit.log.clickhouse import ClickHouseTarget
from audit.log.process import ship
from audit.store.client import writer_client
from runtime import metrics, serve
from runtime.settings import load

COLLECT = (50_000, 20, 50)  # batches are thousands of small rows that die together: rare looks cost a fifth less


async def run() -> None:
    settings = load()
    quorum = bool(settings.clickhouse.cluster)
    target = ClickHouseTarget(partial(writer_client, settings), settings.clickhouse.database, quorum=quorum)
    async with serve.stop_signal() as stop, metrics.exposed(settings, "shipper"):
        await ship(settings, target, stop)


def main() -> None:
    gc.set_threshold(*COLLECT)
    serve.main(run)


if __name__ == "__main__":
    main()
