"""`python -m console.web`: the console on `console.listen`."""

from console.web.app import app
from runtime import serve
from runtime.settings import load

settings = load()
serve.main(lambda: serve.serve_http(app(settings), settings.console.listen))
