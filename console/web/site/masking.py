"""`/masking`: the rules in force, what they found over time, and what they would make of a text.

A text that somebody tries goes nowhere: neither into the record nor into a log.
"""

from collections import Counter
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.read.charts import bars
from audit.read.questions import named
from console.cli.mask import guess
from console.web.desk import Desk, desk
from console.web.forms import form
from console.web.menu import RECORD, STAFF
from console.web.people import Person, current_person, needs
from console.web.render import page
from masking import Keys, Ruleset
from runtime.errors import CallerError, Error
from snapshot.repository import MASKING

MOST = 200_000  # characters that one may try


class WrongProfile(CallerError):
    code = "wrong_profile"


class TooLong(CallerError):
    code = "text_too_long"


@needs(*STAFF)
async def shown(request: Request) -> Response:
    return page(request, "masking.html", await _about(desk(request), current_person(request)))


@needs(*STAFF)
async def tried(request: Request) -> Response:
    at, given = desk(request), await form(request)
    text, profile = given.get("text", ""), given.get("profile") or at.settings.masking.floor
    found = try_text(at.snapshot().masking, text, [profile])
    return page(request, "masking.html", await _about(at, current_person(request)) | found | {"profile": profile})


def try_text(rules: Ruleset, text: str, profiles: list[str], media: str = "") -> dict[str, Any]:
    """{masked, findings}; tokens are made with keys of this call alone. Raises WrongProfile, TooLong."""
    if len(text) > MOST:
        raise TooLong(f"at most {MOST} characters can be tried at once")
    if unknown := set(profiles) - rules.profiles:
        raise WrongProfile(f"no masking profile is called {min(unknown)!r}")
    data = text.encode("utf-8", "replace")
    whole = rules.masker(profiles, keys=Keys.generate()).body(media or guess("", data), data)
    return {"masked": whole.data.decode("utf-8", "replace"), "findings": [asdict(hit) for hit in whole.findings]}


async def _about(at: Desk, person: Person) -> dict[str, Any]:
    snapshot = at.snapshot()
    digest = snapshot.digest.removeprefix("sha256:")
    about: dict[str, Any] = {"digest": digest, "file": MASKING, "profiles": sorted(snapshot.masking.profiles)}
    about |= {"masked": None, "findings": [], "profile": at.settings.masking.floor, "counts": None, "chart": ""}
    if person.roles.isdisjoint(RECORD):
        return about
    question = named("maskings-by-rule").bind({"since": "30d"}, at.clock.now_us())
    try:
        rows = await at.read(person, lambda reader: reader.ask(question))
    except Error:
        return about
    by_rule: Counter[str] = Counter()
    for row in rows:
        by_rule[row["rule"]] += int(row["values"])
    return about | {"counts": rows, "chart": bars(list(by_rule.items()), "Masked values by rule, last 30 days")}


ROUTES = [Route("/masking", shown), Route("/masking", tried, methods=["POST"])]
