"""All metrics of one gateway at one address, for Prometheus: each part's, with `part`, Envoy's, and those in files.

What runs now and then (`exeat audit reconcile --metrics`) leaves its figures in `<run_dir>/<name>.prom`.

A part that does not answer is `exeat_part_up 0`, so that its silence is a figure, too. No content and no name of a
caller is in any metric (runtime/metrics.py), so this needs no sign-in; it listens on loopback unless told otherwise.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from runtime import serve
from runtime.metrics import SUFFIX, Measured
from runtime.settings import Settings

ASK_SECONDS = 2.0
# what the alerts and the dashboard use of Envoy's thousands of series; the rest stays on its admin socket
ENVOY = "|".join(
    (
        r"^http\.ingress\.downstream_(rq_([2345]xx|total|active|time)|cx_active)$",
        r"ext_authz\.(ok|denied|error)$",
        r"ext_proc\.(server_half_closed|streams_(started|failed)|message_timeouts|failure_mode_allowed)$",
        r"local_rate_limit\.rate_limited$",
        r"^server\.(live|uptime|memory_allocated)$",
        r"^cluster\.upstream_.*\.upstream_(rq_([2345]xx|total|active)|cx_connect_fail)$",
    )
)


@contextlib.asynccontextmanager
async def gathered(settings: Settings) -> AsyncIterator[None]:
    """Serves GET /metrics at `metrics.listen` while the block runs. Raises CannotListen."""

    async def answer(request: Request) -> Response:
        return Response(await gather(settings), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(routes=[Route("/metrics", answer)])
    async with serve.beside(app, serve.bind_http(settings.metrics.listen)):
        yield


async def gather(settings: Settings) -> bytes:
    sockets = {path.name.removesuffix(f"{SUFFIX}.sock"): path for path in sorted(_sockets(settings))}
    texts = await asyncio.gather(*(_ask(path, "/metrics") for path in sockets.values()))
    envoy = await _ask(settings.socket("envoy-admin"), "/stats/prometheus", filter=ENVOY)
    answers = dict(zip(sockets, texts, strict=True))
    registry = CollectorRegistry()
    files = [_text(path) for path in sorted(settings.gateway.run_dir.absolute().glob("*.prom"))]
    registry.register(Measured(lambda: merged(answers, envoy, files)))
    return generate_latest(registry)


def merged(answers: dict[str, str], envoy: str, files: Iterable[str] = ()) -> Iterable[Metric]:
    """One family of each name, its samples marked with their part; "" is a part that did not answer. Pure.

    A file's family that a part has, too, is left out, and so is a file that cannot be read: the others go on.
    """
    up = GaugeMetricFamily("exeat_part_up", "Whether the part answers.", labels=["part"])
    for part, text in {**answers, "envoy": envoy}.items():
        up.add_metric([part], 1 if text else 0)
    yield up
    families: dict[str, Metric] = {}
    for part, text in answers.items():
        for family in text_string_to_metric_families(text):
            whole = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            whole.samples += _marked(part, family.samples)
    for text in files:
        with contextlib.suppress(ValueError):
            found = list(text_string_to_metric_families(text))
            families = {**{family.name: family for family in found if family.name.startswith("exeat_")}, **families}
    yield from families.values()
    yield from text_string_to_metric_families(envoy)


def _text(path: Path) -> str:
    """ "" where it went away meanwhile or is no text."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _marked(part: str, samples: Iterable[Sample]) -> Iterator[Sample]:
    for sample in samples:
        yield Sample(sample.name, {"part": part, **sample.labels}, sample.value)


def _sockets(settings: Settings) -> Iterator[Path]:
    return settings.gateway.run_dir.absolute().glob(f"*{SUFFIX}.sock")


async def _ask(socket: Path, path: str, **query: str) -> str:
    """ "" when there is no answer."""
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    try:
        async with httpx.AsyncClient(transport=transport, timeout=ASK_SECONDS) as client:
            answer = await client.get(f"http://localhost{path}", params=query)
    except (httpx.HTTPError, OSError):
        return ""
    return answer.text if answer.status_code == 200 else ""
