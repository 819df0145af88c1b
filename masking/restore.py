"""The way back: reversible tokens become the values they were made from, for those who hold key and tweak.

A restorer is a scanner like any other, so it reads every format and any splitting that maskers read. It knows nothing
of rules; a token made under another key, session or identity stays the token it is. What is recorded is recorded
before restoring.
"""

from masking.detector import Detector
from masking.keys import Keys
from masking.operators import RESTORE
from masking.scan import Rule, Scanner

TOKEN = Detector(
    name="restored",
    # 16 bytes of AES-SIV tag and at least one of text; at most LONGEST_SEALED of them, within RE2's longest repeat.
    pattern=r"\brev_[a-z0-9_]{1,40}_[A-Z2-7]{26,1000}",
    groups=(),
    positive=(),
)
_RULE = Rule("restored", "1", TOKEN, RESTORE, telling=False)


def restorer(keys: Keys, tweak: bytes) -> Scanner:
    """`tweak` is what the tokens were made under: it binds session and identity."""
    return Scanner((_RULE,), keys, tweak=tweak)
