"""Papers that say who somebody is, and when they were born."""

from masking import validators
from masking.dates import is_date
from masking.detector import LINK, Detector, said

PASSPORT = Detector(
    name="passport",
    pattern=r"[A-Z]{0,3}[0-9][A-Z0-9]{4,9}\b",
    context=said(within="passport|passeport|pasaporte|reisepass"),
    ignore_case=True,
    decisive="[A-Za-z0-9]{6}",
    groups=("pii", "identity"),
    standing=True,
    validate=validators.at_least_digits(5),
    positive=(
        "passport number: «123456789»",
        '"passport":"«C01X00T47»"',
        "Passport No. «X1234567»",
        "passport «533380006»",
        '"holderPassportNumber": "«X1234567»"',
    ),
    negative=("passport office", "passport: required", "123456789"),
)

DRIVING_LICENCE = Detector(
    name="driving_licence",
    pattern=r"[A-Z]{0,5}[ -]?[0-9](?:[ -]?[A-Z0-9]){4,18}\b",
    context=(
        r"(?:\b|_)(?:(?:driver'?s?|driving)[ _-]?(?:licen[cs]e|permit)|licen[cs]e[ _-]?(?:number|no|#)"
        rf"|dl[ _-]?(?:number|no|#)){LINK}"
    ),
    ignore_case=True,
    decisive="[A-Za-z0-9]{6}",
    groups=("pii", "identity"),
    standing=True,
    validate=validators.licence,
    positive=(
        "driver's license: «D1234562»",
        '"drivers_license":"«F255-9215-0085»"',
        "Driving licence «MORGA753116SM9IJ»",
        "driver license number «I1234562» issued",
        "Customer's license # «F255-921-50-085-0»",
    ),
    negative=("driver's license: none", "driving licence holders", "license: Apache-2.0"),
)

PASSPORT_ZONE = Detector(
    name="passport",
    # The machine-readable zone (ICAO 9303): the line of names, and the line of numbers.
    pattern=r"\b(?:[PVIAC][A-Z<][A-Z]{3}[A-Z<]{25,39}|[A-Z0-9<]{9}[0-9][A-Z]{3}[0-9]{7}[MFX<][0-9]{7}[A-Z0-9<]{2,16})",
    decisive="[A-Z0-9<]{14}",
    groups=("pii", "identity"),
    validate=validators.zone,
    positive=("«P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<»\n«L898902C36UTO7408122F1204159ZE184226B<<<<<10»",),
    negative=("PLEASE<READ", "PASSPORTAPPLICATIONFORMULARFORALLCITIZENS"),
)

UK_DRIVING_LICENCE = Detector(
    name="driving_licence",
    pattern=r"\b[A-Z9]{5}[0-9](?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9][A-Z9]{2}[A-Z0-9]{3}\b",
    groups=("pii", "identity", "uk"),
    positive=("No «MORGA753116SM9IJ»",),
    negative=("MORGA799116SM9IJ",),
)

BIRTH_DATE = Detector(
    name="birth_date",
    pattern=(
        r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ](?:[0-9]{4}|[0-9]{2})|[0-9]{8}\b"
        r"|[0-9]{1,2}(?:st|nd|rd|th)?[ .\-](?:of )?[A-Z][a-z]{2,8}\.?,?[ .\-][0-9]{4}"
        r"|[A-Z][a-z]{2,8}\.? [0-9]{1,2}(?:st|nd|rd|th)?,? [0-9]{4})"
    ),
    context=said(
        "dob",
        within=r"\bd\.o\.b|date[ _-](?:of[ _-]?)?birth|dateofbirth|birth[ _-]?da(?:te|y)|\bbday|\bborn(?: on)?(?: the)?"
        "|geburtsdatum",
    ),
    ignore_case=True,
    groups=("pii", "identity"),
    validate=is_date,
    positive=(
        "DOB: «1987-03-04»",
        '"dob":"«1987-03-04»"',
        '"dateOfBirth": "«04/03/1987»T00:00:00Z"',
        "born on «March 4, 1987» in",
        "Date of birth: «4th of March 1987»",
        "D.O.B. «04.03.87», born «04-MAR-1987»",
        '"birth_date":"«19870304»"',
        '"customerDob": "«1987-03-04»", "borrower_date_of_birth": "«1987-03-04»"',
        "born on the «2nd of January 1980»",
    ),
    negative=("1987-03-04", "dob: 1987-13-45", "born in 1987", "born 99/99/1987"),
)

UK_NINO = Detector(
    name="uk_nino",
    # No D F I Q U V first, no D F I O Q U V second, none of the prefixes that HMRC keeps for itself.
    pattern=r"\b[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
    groups=("pii", "uk", "identity"),
    validate=validators.uk_nino,
    positive=("NI «AB 12 34 56 C»", "«JG103759A»"),
    negative=("BG123456A", "QQ123456C", "AB123456E"),
)
