"""A step that somebody waits for: the work that stages it, and the future that tells how it went."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from runtime.errors import Error


@dataclass(frozen=True, slots=True)
class Job:
    work: Callable[[int], object]
    done: "asyncio.Future[object]"


def attempt(job: Job, at_us: int) -> object:
    """What the work returns, or the Error it raised: others of the group are not its victims."""
    try:
        return job.work(at_us)
    except Error as error:
        return error


def reply(job: Job, result: object) -> None:
    if job.done.done():
        return  # the caller has gone; the step counts all the same
    if isinstance(result, Error):
        job.done.set_exception(result)
    else:
        job.done.set_result(result)
