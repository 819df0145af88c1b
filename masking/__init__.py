"""Masking: what must not be seen, taken out of bodies and streams. A pure library: bytes in, bytes and findings out.

Words: a *detector* knows one kind of secret; a *rule* chooses it, or a field, and names an *operator* that replaces the
value; a *profile* is a named set of rules; a *finding* says what was masked and where, never the value. A *core* reads
one run of text and answers with edits; a *skin* finds the text in a format (JSON, events, forms); a *channel* is the
text that many deltas of a stream add up to.

The law: for every splitting, what a stream gives, joined, equals what the whole body gives, and no byte of a secret is
let go before the secret is decided. What cannot be looked into is refused, never passed.
"""

from masking.errors import BadKeys, Blocked, PatternRefused, RuleError, Uninspectable, UnknownProfile
from masking.finding import Finding
from masking.keys import Keys
from masking.masker import Masked, Masker, Stream
from masking.rules import Ruleset

__all__ = [
    "BadKeys",
    "Blocked",
    "Finding",
    "Keys",
    "Masked",
    "Masker",
    "PatternRefused",
    "RuleError",
    "Ruleset",
    "Stream",
    "Uninspectable",
    "UnknownProfile",
]
