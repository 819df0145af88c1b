"""Numbers of the United States' tax and social security offices."""

from masking import validators
from masking.detector import GAP, LINK, Detector, joined

_AS_PRINTED = rf"\b[0-9]{{3}}(?:{GAP}|\.)[0-9]{{2}}(?:{GAP}|\.)[0-9]{{4}}\b"

US_SSN = Detector(
    name="us_ssn",
    pattern=_AS_PRINTED,
    groups=("pii", "us", "identity"),
    validate=validators.us_ssn,
    positive=("SSN «123-45-6789».", "«123 45 6789»", "«123‑45‑6789» and «123.45.6789»"),
    negative=(
        "000-12-3456",
        "666-12-3456",
        "123-00-4567",
        "123-45-0000",
        "912-34-5678",
        "1123-45-6789",
        "123-45-67890",
    ),
)

US_SSN_JOINED = joined(US_SSN, positive=("ssn_«123-45-6789»", "SSN«123-45-6789»"))

US_SSN_BARE = Detector(
    name="us_ssn",
    pattern=r"[0-9]{9}\b",
    context=rf"\b(?:ssn|social(?:[ _-]?security)?|soc\.? ?sec|tax[ _-]?(?:payer[ _-]?)?id|tin){LINK}",
    ignore_case=True,
    groups=("pii", "us", "identity"),
    validate=validators.us_ssn,
    positive=(
        "ssn: «123456789»",
        '"ssn":"«123456789»"',
        "Social Security Number «123456789»",
        '"taxId": "«123456789»"',
    ),
    negative=("123456789", "ssn: 000123456"),
)

US_ITIN = Detector(
    name="us_itin",
    pattern=_AS_PRINTED,
    groups=("pii", "us", "identity"),
    validate=validators.us_itin,
    positive=("ITIN «912-70-1234»", "«999 88 1234»"),
    negative=("912-93-1234", "912-49-1234", "812-70-1234"),
)

US_ITIN_BARE = Detector(
    name="us_itin",
    pattern=r"9[0-9]{8}\b",
    context=rf"\b(?:itin|tax[ _-]?(?:payer[ _-]?)?id|tin){LINK}",
    ignore_case=True,
    groups=("pii", "us", "identity"),
    validate=validators.us_itin,
    positive=("itin: «912701234»",),
    negative=("912701234",),
)

US_EIN = Detector(
    name="us_ein",
    pattern=rf"\b[0-9]{{2}}{GAP}[0-9]{{7}}\b",
    groups=("pii", "us", "identity"),
    validate=validators.us_ein,
    positive=("EIN «12-3456789»", "(«94-1234567»)"),
    negative=("00-1234567", "07-1234567", "12-34567890", "2012-3456789"),
)

US_EIN_BARE = Detector(
    name="us_ein",
    pattern=r"[0-9]{9}\b",
    context=rf"\b(?:ein|fein|employer[ _-]?(?:identification|id|tax)){LINK}",
    ignore_case=True,
    groups=("pii", "us", "identity"),
    validate=validators.us_ein,
    positive=("EIN: «123456789»", '"fein":"«941234567»"'),
    negative=("EIN: 071234567",),
)
