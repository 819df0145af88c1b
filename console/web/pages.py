"""Pages of one sentence: errors, signed out, not configured."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, Template, select_autoescape
from starlette.responses import HTMLResponse


@cache
def template(name: str) -> Template:
    environment = Environment(autoescape=select_autoescape(default=True))
    return environment.from_string(files("console.web").joinpath("templates", name).read_text("utf-8"))


def sentence(title: str, text: str, *, status: int = 200, link: tuple[str, str] | None = None) -> HTMLResponse:
    """`link`: an address of ours and its words."""
    return HTMLResponse(template("sentence.html").render(title=title, text=text, link=link), status)
