"""Numbers of the United States' tax and social security offices."""

from masking import validators
from masking.detector import GAP, Detector, joined, said

_AS_PRINTED = rf"\b[0-9]{{3}}(?:{GAP}|\.)[0-9]{{2}}(?:{GAP}|\.)[0-9]{{4}}\b"

_TAX_ID = "tax[ _-]?(?:payer[ _-]?)?id(?:entification)?"

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
    context=said("ssn", "tin", within=rf"social[ _-]?security|\bsocial|soc\.?[ _]?sec|{_TAX_ID}"),
    groups=("pii", "us", "identity"),
    validate=validators.us_ssn,
    positive=(
        "ssn: «123456789»",
        '"ssn":"«123456789»"',
        "Social Security Number «123456789»",
        '"taxId": "«123456789»"',
        '"customerSsn": "«123456789»", "spouse_ssn": «123456780»',
    ),
    negative=("123456789", "ssn: 000123456"),
)

US_SSN_BEFORE = Detector(
    name="us_ssn",
    # The word behind the number: it is matched too, and the validator gives it back.
    pattern=(
        r"\b[0-9]{9}[^A-Za-z0-9,;{}\[\]]{1,3}(?:(?:is|as|was) )?(?:(?:my|the|his|her|your|their|a) )?"
        r"(?:ssn|social security)\b"
    ),
    ignore_case=True,
    decisive="[0-9]{9}[^0-9]{2}",
    groups=("pii", "us", "identity"),
    validate=lambda text: validators.us_ssn(text[:9]),
    positive=("«123456789» is my SSN", "Her number, «123456789» (SSN), is on file."),
    negative=("000123456 is my SSN", "123456789 is my order", "1123456789 (SSN)"),
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
    context=said("itin", "tin", within=_TAX_ID),
    groups=("pii", "us", "identity"),
    validate=validators.us_itin,
    positive=("itin: «912701234»",),
    negative=("912701234",),
)

US_EIN = Detector(
    name="us_ein",
    pattern=rf"\b[0-9]{{2}}{GAP}[0-9]{{7}}\b",
    decisive="[^0-9]*(?:[0-9][^0-9]*){8}",
    groups=("pii", "us", "identity"),
    validate=validators.us_ein,
    positive=("EIN «12-3456789»", "(«94-1234567»)"),
    negative=("00-1234567", "07-1234567", "12-34567890", "2012-3456789"),
)

US_EIN_BARE = Detector(
    name="us_ein",
    pattern=r"[0-9]{9}\b",
    context=said("ein", "fein", within="employer[ _-]?(?:identification|id|tax)"),
    groups=("pii", "us", "identity"),
    validate=validators.us_ein,
    positive=("EIN: «123456789»", '"fein":"«941234567»"'),
    negative=("EIN: 071234567",),
)
