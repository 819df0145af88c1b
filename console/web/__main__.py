"""`python -m console.web`: the console on `console.listen`, and all metrics on `metrics.listen`."""

from console.metrics import gathered
from console.web.app import app
from runtime import serve
from runtime.settings import load


async def run() -> None:
    settings = load()
    async with gathered(settings):
        await serve.serve_http(app(settings), settings.console.listen)


if __name__ == "__main__":
    serve.main(run)
