"""The shape of a detector: one entry says what it looks for, when it counts, and shows examples that are its tests."""

from collections.abc import Callable
from dataclasses import dataclass

Validator = Callable[[bytes], int]
"""Takes a matched text, returns how many of its first bytes are the secret; 0 when none are."""

SIX_DIGITS = r"(?:[^0-9]*[0-9]){6}"
# What a class-run secret may continue with once its decisive start has been seen.
TOKEN_RUN = r"[A-Za-z0-9_\-]"


@dataclass(frozen=True, slots=True)
class Detector:
    """One thing to look for.

    name      as rules, findings and placeholders call it (`us_ssn` becomes `[US_SSN]`)
    pattern   the value itself; bounded, or ending in an unbounded class that is then swallowed
    groups    names under which a rule may select several detectors at once
    context   what must stand directly before the value (at most 96 bytes); it is never masked or held
    validate  decides on a matched text and returns how much of it is the secret
    swallow   class of bytes to drop after the match; found by itself when the pattern ends in an unbounded class
    until     with `swallow`: dropping ends after the first match of this
    decisive  what the beginning of a cut-off text must show for it to be masked (default: six digits)
    positive  texts in which «…» marks exactly what must be masked
    negative  texts in which nothing may be masked
    version   raise it when a validator changes; the pattern itself is part of the rule's version anyway
    """

    name: str
    pattern: str
    groups: tuple[str, ...]
    positive: tuple[str, ...]
    negative: tuple[str, ...] = ()
    context: str = ""
    validate: Validator | None = None
    swallow: str = ""
    until: str = ""
    decisive: str = SIX_DIGITS
    ignore_case: bool = False
    version: int = 1
