"""The shape of a detector: one entry says what it looks for, when it counts, and shows examples that are its tests."""

from collections.abc import Callable
from dataclasses import dataclass, replace

Validator = Callable[[bytes], int]
"""Takes a matched text, returns how many of its first bytes are the secret; 0 when none are."""

# What separates the groups of a number: blank, hyphen, the typographic ones that models like to write, invisible ones,
# and their spellings in HTML, Markdown and addresses. Spellings with digits in them: see validators.spaced.
GAP = (
    "(?:[ +\\-\u00a0\u00ad\u2007\u2009\u200b\u200c\u200d\u202f\u2010\u2011\u2012\u2013\u2060\ufeff]"
    r"|&nbsp;|&#160;|%20|\\-)"
)
# What may stand between the word that announces a value and the value: "number:", `":"`, "** is **", `</td><td>`.
LINK = (
    r"(?:[ _-]?(?:number|num|no|nr|nbr|code|id|is|date)|[0-9])?(?: \([a-z ]{2,16}\))?"
    r"(?:[^A-Za-z0-9,;{}\[\]]{1,6}(?:number|num|no|nr|code|id|is|was|td|th|value)\b){0,2}[^A-Za-z0-9,;{}\[\]]{1,8}"
)


def said(*words: str, within: str = "") -> str:
    """A context: one of the words, alone, behind `_` or as a hump (`customerSsn`), and what links it to the value.

    `within`: a pattern for longer words that are telling wherever they stand in a name (`creditoraccount`).
    """
    humps = "|".join(f"{word.capitalize()}|{word.upper()}" for word in words)
    own = [rf"(?:\b|_)(?i:{'|'.join(words)})", f"[a-z0-9](?:{humps})"] if words else []
    return f"(?:{'|'.join([*own, f'(?i:{within})'] if within else own)})(?i:{LINK})"


SIX_DIGITS = r"(?:[^0-9]*[0-9]){6}"


@dataclass(frozen=True, slots=True)
class Detector:
    """One thing to look for.

    name      as rules, findings and placeholders call it (`us_ssn` becomes `[US_SSN]`)
    pattern   the value itself; bounded, or ending in an unbounded class that is then swallowed
    groups    names under which a rule may select several detectors at once
    context   what must stand directly before the value (at most 96 bytes); it is never masked or held
    apart     class of bytes that may not stand directly before the value: it begins where a run of them does. Without
              it (and without `\\b`) every byte of a run is a start of its own, and the automaton counts them all
    decimal   digits alone that follow `0.` are the fraction of a number, not a value
    standing  it stands by itself: digits inside a UUID or a digest are none (see identifiers.py)
    validate  decides on a matched text and returns how much of it is the secret
    swallow   class of bytes to drop after the match; found by itself when the pattern ends in an unbounded class
    until     with `swallow`: dropping ends after the first match of this
    decisive  what the beginning of a cut-off text must show for it to be masked (default: six digits)
    needs     a Python package that the validator imports; without it, selecting the detector is an error
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
    apart: str = ""
    decimal: bool = False
    standing: bool = False
    validate: Validator | None = None
    swallow: str = ""
    until: str = ""
    decisive: str = SIX_DIGITS
    ignore_case: bool = False
    needs: str = ""
    version: int = 1


def joined(
    detector: Detector, before: str = "[A-Za-z_]", *, positive: tuple[str, ...], negative: tuple[str, ...] = ()
) -> Detector:
    """The same detector for values written against a word: `pan4111…`, `ssn_123-…`, where no word boundary is."""
    assert detector.pattern.startswith(r"\b")
    assert not detector.context
    return replace(detector, pattern=detector.pattern[2:], context=before, positive=positive, negative=negative)


def prefixed(
    name: str, prefix: str, body: str, *groups: str, positive: tuple[str, ...], negative: tuple[str, ...] = ()
) -> Detector:
    """A secret that its vendor marks with a prefix. `body` ends in `{n,}`: what is longer is swallowed."""
    charset, _, least = body.rpartition("{")
    known = charset.endswith("]") and charset.count("[") == 1
    return Detector(
        name=name,
        pattern=rf"\b(?:{prefix}){body}",
        groups=("secrets", *groups),
        # half of what makes it certain: of a text that ends in `sk-learn` or `secret_santa` too little is shown
        decisive=rf"(?:{prefix}){charset}{{{int(least.rstrip(',}')) // 2}}}" if known else f"(?:{prefix})",
        positive=positive,
        negative=negative,
    )
