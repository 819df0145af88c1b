"""How values look on a page: one Jinja environment, its filters, and `page`.

What agents wrote is text, always escaped; placeholders of masking in it are marked, so that one sees what was there.
"""

import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from audit.read.reader import plain
from console.web.people import SCOPE_KEY, Person

PLACEHOLDER = re.compile(r"\[[A-Z][A-Z0-9_]{1,40}(?::[^\]\s]{1,80})?\]")
STATES = {"allow": "good", "deny": "bad", "hold": "wait", "refused": "bad"}
APPROVALS = {"requested": "wait", "granted": "good", "used": "good", "expired": "off", "withdrawn": "off"}
VERDICTS = {"evidence": "good", "finding": "bad", "missing": "bad", "information": "info"}
TONES = STATES | APPROVALS | VERDICTS


def environment() -> Environment:
    made = Environment(loader=PackageLoader("console.web"), autoescape=True, undefined=StrictUndefined)
    made.trim_blocks = made.lstrip_blocks = True
    made.filters |= {
        "when": when,
        "span": span,
        "short": short,
        "pretty": pretty,
        "marked": marked,
        "cell": cell,
        "chip": chip,
        "number": number,
    }
    made.tests["number_type"] = lambda type_: type_.startswith(("Int", "UInt", "Float", "Decimal"))
    return made


def page(request: Request, name: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """`name`: the template; the layout needs who is signed in and where we are."""
    person: Person | None = request.scope.get(SCOPE_KEY)
    shared = {"person": person, "path": request.url.path, "gateway": request.app.state.desk.settings.gateway}
    text = request.app.state.templates.get_template(name).render({**shared, **context})
    return HTMLResponse(text, status)


def fragment(request: Request, name: str, context: Mapping[str, Any]) -> str:
    """A part of a page, as server-sent events carry it."""
    text: str = request.app.state.templates.get_template(name).render(context)
    return text


def when(value: Any) -> Markup:
    """A time (datetime in UTC, or unix microseconds) to the second; the exact one when pointed at."""
    if not value:
        return Markup("–")
    if isinstance(value, int):
        value = datetime.datetime.fromtimestamp(0, datetime.UTC) + datetime.timedelta(microseconds=value)
    value = value.replace(tzinfo=None)
    exact = value.isoformat(timespec="microseconds") + "Z"
    day, time = value.strftime("%Y-%m-%d"), value.strftime("%H:%M:%S")
    return Markup('<time datetime="{0}" title="{0}"><span class="day">{1}</span> {2}</time>').format(exact, day, time)


def span(us: Any) -> str:
    """Microseconds as people say them."""
    seconds = float(us or 0) / 1e6
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = int(seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def short(text: Any, letters: int = 12) -> str:
    """The beginning of a digest or id that is enough to tell it from others."""
    return str(text).removeprefix("sha256:")[:letters]


def number(value: Any) -> str:
    return f"{value:,}".replace(",", "\u202f")


def pretty(value: Any) -> Markup:
    """JSON, indented, with its placeholders marked."""
    return marked(json.dumps(plain(value), ensure_ascii=False, indent=2))


def marked(text: Any) -> Markup:
    """Text with control characters made visible and the placeholders of masking marked."""
    shown = "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in str(text))
    return Markup(PLACEHOLDER.sub(lambda found: f"<mark>{found[0]}</mark>", str(escape(shown))))  # noqa: S704 - escaped before


def cell(value: Any) -> Markup | str:
    """A value of a table."""
    if isinstance(value, datetime.datetime):
        return when(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(plain(item)) for item in value)
    found = plain(value)
    return (
        json.dumps(found, ensure_ascii=False) if isinstance(found, dict) else marked(found if found is not None else "")
    )


def chip(word: Any) -> Markup:
    """A state, or an event's type that ends in one, as a word with a colour; never a colour alone."""
    tone = TONES.get(str(word).rpartition(".")[2], "info")
    return Markup('<span class="chip {}">{}</span>').format(tone, word)
