"""`python -m console.web`: the console on `console.listen`, and all metrics on `metrics.listen`."""

from console.metrics import gathered
from console.web.app import app
from runtime import serve
from runtime.settings import load


async def run() -> None:
    settings = load()
    console = settings.console
    if console.certificate and console.key:
        serve.check_pair(console.certificate, console.key)
    async with gathered(settings):
        await serve.serve_http(app(settings), console.listen, certificate=console.certificate, key=console.key)


if __name__ == "__main__":
    serve.main(run)
