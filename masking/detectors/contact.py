"""How to reach somebody: e-mail and telephone."""

from masking import validators
from masking.detector import Detector, said

_LOCAL = r"(?:[A-Za-z0-9._%+'&~\-]|[^\x00-\x7f])"
_BEGIN = r"(?:[A-Za-z0-9._%+\-]|[^\x00-\x7f])"
_DOMAIN = (
    r"(?:(?:[A-Za-z0-9\-]|[^\x00-\x7f]){1,63}\.){1,4}(?:[A-Za-z]{2,24}|xn--[A-Za-z0-9\-]{2,24}|[^\x00-\x7f]{3,24})"
)

EMAIL = Detector(
    name="email",
    # Any word may be a local part, so a stream always holds one word back: that is the whole price of exact streaming
    # on English prose. `stream: partial` selects EMAIL_DOMAIN instead.
    pattern=rf"{_BEGIN}{_LOCAL}{{0,127}}(?:@|%40){_DOMAIN}",
    apart=_BEGIN,
    groups=("pii", "contact"),
    decisive=r".{1,128}(?:@|%40)",
    validate=lambda text: 0 if text.startswith(b"git@") else len(text),  # git@github.com:owner/name.git
    positive=(
        "mail «joe.b@example.com», please",
        "<«first+tag@sub.example.co.uk»>",
        "«o'brien@example.ie»",
        "«jörg@example.de» und «info@müller.de»",
        "mailto:«a@b.io»",
        "GET /users?mail=«joe%40example.com»&x=1",  # as logs have it
    ),
    negative=("joe at example.com", "@example.com", "a@b", "user@localhost", "git@github.com:a/b.git"),
)

EMAIL_DOMAIN = Detector(
    name="email_domain",
    pattern=rf"@{_DOMAIN}",
    context=_LOCAL,
    groups=(),
    decisive="@[A-Za-z0-9]",
    positive=("mail joe.b«@example.com», please",),
    negative=("see @example.com", "a@b"),
)

_SEP = "[ .\\-\u00a0\u202f\u2009\u2011\u2013]"

PHONE_US = Detector(
    name="phone",
    pattern=rf"(?:\+?\b1{_SEP}?)?(?:\([2-9][0-9]{{2}}\){_SEP}?|\b[2-9][0-9]{{2}}{_SEP})[2-9][0-9]{{2}}{_SEP}[0-9]{{4}}\b",
    groups=("pii", "contact"),
    decisive="(?:[^0-9]*[0-9]){8}",
    validate=validators.nanp,
    positive=(
        "call «(415) 555-2671» now",
        "«415-555-2671»",
        "«+1 415.555.2671»",
        "«1-800-555-0199»",
        "«415‑555‑2671»",
    ),
    negative=("115-555-2671", "415-155-2671", "555-2671", "2024-415-555"),
)

PHONE_INTERNATIONAL = Detector(
    name="phone",
    # Dots only behind a plus: `483.002 483.3 28.66` are coordinates.
    pattern=(
        r"(?:\B\+[1-9][0-9]{0,2}(?:(?:[ .()/\-]|[\u00a0\u202f\u2009\u2011\u2013]){0,2}[0-9]){5,13}\b"
        r"|\b00[1-9][0-9]{0,2}(?:(?:[ ()/\-]|[\u00a0\u202f\u2009\u2011\u2013]){0,2}[0-9]){5,13}\b)"
    ),
    groups=("pii", "contact"),
    decisive=r"(?:\+|00[0-9]{1,3}[^0-9])(?:[^0-9]*[0-9]){6}|[0-9]{12}",
    decimal=True,
    standing=True,
    validate=validators.e164,
    positive=(
        "«+44 20 7946 0958»",
        "Tel. «+49 (0)30 901820»,",
        "«+14155552671»",
        "«0049 30 901820»",
        "«+91-98765-43210»",
        "«00442079460958» and «004930901820», «0014155552671»",
    ),
    negative=(
        "+2026-01-03 and rrn 003412345678, no 0012345678",
        "x+12345678",
        "+0123456789",
        "+123",
        "+999 12345678",
        "0.00442079460958",
        "M483.002 483.3 28.66 512",
    ),
)

PHONE_UK = Detector(
    name="phone",
    pattern=(
        rf"(?:\(0[0-9]{{2,4}}\){_SEP}?[0-9]{{3,4}}{_SEP}?[0-9]{{3,4}}\b"
        rf"|\b07[0-9]{{3}}{_SEP}?[0-9]{{3}}{_SEP}?[0-9]{{3}}\b"
        rf"|\b0(?:2[0-9]|1[0-9]{{2,3}}|3[0-9]{{2}}|8[0-9]{{2}}){_SEP}[0-9]{{3,4}}{_SEP}?[0-9]{{3,4}}\b)"
    ),
    groups=("pii", "contact"),
    standing=True,
    validate=validators.uk_phone,
    positive=("«020 7946 0958»", "«07700 900123»", "«(0161) 496 0000»", "mobile «07700900123»"),
    negative=("020-12-345", "0770 9001234567"),
)

PHONE_SAID = Detector(
    name="phone",
    pattern=rf"\+?(?:[0-9]|\([0-9])(?:(?:[()/]|{_SEP}){{0,2}}[0-9]){{6,14}}\b",
    context=said("tel", "tele", "telefon", "mobile", "cell", "fax", "whatsapp", "msisdn", within="phone"),
    groups=("pii", "contact"),
    standing=True,
    validate=validators.at_least_digits(7),
    positive=(
        "phone: «4155552671»",
        '"mobile":"«015112345678»"',
        "Cell number «5552671»",
        '"phone_number": "«555 2671»"',
        '"homePhone": "«4155552671»", "work_phone": "«4155552671»"',
    ),
    negative=("4155552671", "phone: 1111111", "cell 12"),
)
