"""`/masking`: the rules in force, what they found over time, and what they would make of a text.

A text that somebody tries goes nowhere: neither into the record nor into a log.
"""

from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.read.charts import bars, stacked
from audit.read.questions import named
from console.guessing import guess
from console.web.desk import Desk, desk
from console.web.forms import form
from console.web.menu import RECORD, STAFF
from console.web.people import Person, current_person, needs
from console.web.render import page
from masking import Keys, Ruleset
from runtime.errors import CallerError, Error
from snapshot.repository import MASKING

MOST_SERIES, OTHERS = 5, "other rules"
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
    whole = rules.masker(profiles, keys=Keys.generate()).body(media or guess("", data), data, complete=True)
    return {"masked": whole.data.decode("utf-8", "replace"), "findings": [asdict(hit) for hit in whole.findings]}


async def _about(at: Desk, person: Person) -> dict[str, Any]:
    snapshot = at.snapshot()
    digest = snapshot.digest.removeprefix("sha256:")
    about: dict[str, Any] = {"digest": digest, "file": MASKING, "profiles": sorted(snapshot.masking.profiles)}
    about |= {"masked": None, "findings": [], "profile": at.settings.masking.floor}
    about |= {"counts": None, "chart": "", "days": ""}
    if person.roles.isdisjoint(RECORD):
        return about
    questions = [
        named(name).bind({"since": "30d"}, at.clock.now_us()) for name in ("maskings-by-rule", "maskings-by-day")
    ]
    try:
        rows, daily = await at.read(person, lambda reader: [reader.ask(question) for question in questions])
    except Error:
        return about
    by_rule: Counter[str] = Counter()
    for row in rows:
        by_rule[row["rule"]] += int(row["values"])
    chart = bars(list(by_rule.items()), "Masked values by rule, last 30 days")
    days = over_time(daily, [rule for rule, _ in by_rule.most_common(MOST_SERIES)])
    return about | {"counts": rows, "chart": chart, "days": days}


def over_time(daily: list[dict[str, Any]], shown: list[str]) -> str:
    """A bar a day, also for days without any; rules that are not `shown` are one part of it."""
    if not daily:
        return ""
    first, last = daily[0]["day"], daily[-1]["day"]
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    series: dict[str, list[int]] = {name: [0] * len(every) for name in (*shown, OTHERS)}
    for row in daily:
        name = row["rule"] if row["rule"] in shown else OTHERS
        series[name][(row["day"] - first).days] += int(row["values"])
    labels = [f"{day:%m-%d}" for day in every]
    return stacked(labels, {name: values for name, values in series.items() if any(values)}, "Masked values by day")


ROUTES = [Route("/masking", shown), Route("/masking", tried, methods=["POST"])]
