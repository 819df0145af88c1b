"""What is traded, and by whom. Public identifiers, but positions and counterparties hang on them."""

from masking import securities
from masking.detector import LINK, Detector

ISIN = Detector(
    name="isin",
    pattern=r"\b[A-Z]{2}[A-Z0-9]{9}[0-9]\b",
    groups=("securities",),
    standing=True,
    validate=securities.isin,
    decisive="[A-Z]{2}[A-Z0-9]{9}",
    positive=("buy «US0378331005» and «XS0629974352»", "«DE000BAY0017»"),
    negative=("US0378331006", "ZZ0378331005", "INTERNATIONAL"),
)

CUSIP = Detector(
    name="cusip",
    pattern=r"[0-9]{3}[0-9A-Z*@#]{5}[0-9]\b",
    context=rf"\b(?i:cusip){LINK}",
    groups=("securities",),
    validate=securities.cusip,
    positive=("CUSIP: «037833100»", '"cusip":"«17275R102»"'),
    negative=("037833100", "CUSIP 037833101"),
)

SEDOL = Detector(
    name="sedol",
    pattern=r"[0-9B-DF-HJ-NP-TV-Z]{6}[0-9]\b",
    context=rf"\b(?i:sedol){LINK}",
    decisive="[0-9A-Z]{5}",
    groups=("securities",),
    validate=securities.sedol,
    positive=("SEDOL «0263494»", "sedol: «B0YBKJ7»"),
    negative=("SEDOL 0263495", "0263494"),
)

LEI = Detector(
    name="lei",
    pattern=r"\b[A-Z0-9]{18}[0-9]{2}\b",
    decisive="[A-Z0-9]{18}",
    groups=("securities",),
    validate=securities.lei,
    positive=("LEI «5493001KJTIIGC8Y1R12»", "«213800WSGIIZCXF1P572»"),
    negative=("5493001KJTIIGC8Y1R13", "INTERNATIONALISATION"),
)
