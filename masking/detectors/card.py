"""Payment card numbers."""

from masking import validators
from masking.detector import GAP, Detector, joined, said

# Of a number that the end of a text cuts off, the first eight digits name the issuer (ISO/IEC 7812-1) and tell nothing:
# dates, codes and amounts at the end of a text are no longer. So it takes nine, under a lead that cards have.
_CUT_OFF = r"(?:[3-6]|2[^0-9]*[2-7]|8[^0-9]*1|9(?:[^0-9]*[72]){2})(?:[^0-9]*[0-9]){8}"

CARD = Detector(
    name="card",
    # Groups of any size, a separator between digits: cards are printed 4-4-4-4, 4-6-5, 4-6-4 and otherwise.
    # Lookalikes are turned down by issuer range, length and check digit: 3.9 % of random 16-digit numbers stay.
    pattern=rf"\b[2-689](?:{GAP}?[0-9]){{11,18}}\b",
    groups=("pci", "financial"),
    decisive=_CUT_OFF,
    decimal=True,
    standing=True,
    validate=validators.card,
    positive=(
        "pay with «4111 1111 1111 1111» today",
        "«4111111111111111»",
        "Visa «4012-8888-8888-1881», Amex «3782 822463 10005», and Diners «3852 0000 0232 37»",
        "«5555555555554444» and «2223003122003222»",
        "JCB «3530111333300000», Discover «6011000990139424», UnionPay «6212345678901232»",
        "greedy: «4111111111111111» 34",
        "typographic: «4111\u00a01111\u00a01111\u00a01111», «4111‑1111‑1111‑1111»",
        "short Visa «4222222222222»",
        "marked up «4111&nbsp;1111&nbsp;1111&nbsp;1111» «4111\\-1111\\-1111\\-1111»",
        "«4111&#160;1111&#160;1111&#160;1111»&#160;34 and ?card=«4111%201111%201111%201111», «4111+1111+1111+1111»",
    ),
    negative=(
        "4111 1111 1111 1112",
        "order 4111111111111111222233334444",
        "0000 0000 0000 0000",
        "timestamp 1700000000000 and 1785542400123456",
        "pi is 3.14159265358979323846, a weight 0.4111111111111111",
        "[0.4111111111111111 3.141592653589793]",
        "9111111111111111",
        "probe-01a226e4-3374-7740-8613-be7dce590c72, and 4e223684-4438-4240-8a11-be7dce590c72",
        "sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c4111111111111111",
    ),
)

CARD_WIDE = Detector(
    name="card",
    pattern=rf"\b[2-6][0-9]{{3}}(?:{GAP}{{2,3}}[0-9]{{4}}){{3}}\b",
    groups=("pci", "financial"),
    decisive=_CUT_OFF,
    validate=validators.card,
    positive=("«4111 - 1111 - 1111 - 1111», «4111  1111  1111  1111»",),
    negative=("4111 - 1111 - 1111 - 1112",),
)

CARD_DOTTED = Detector(
    name="card",
    pattern=r"\b[2-6][0-9]{3}(?:\.[0-9]{4}){3}\b|\b[2-6][0-9]{3}(?:_[0-9]{4}){3}\b|\b[2-6][0-9]{3}(?:/[0-9]{4}){3}\b",
    groups=("pci", "financial"),
    decisive=_CUT_OFF,
    validate=validators.card,
    positive=("«4111.1111.1111.1111», «4111_1111_1111_1111», «4111/1111/1111/1111»",),
    negative=("4111.1111.1111.1112",),
)

CARD_UNDERSCORED = joined(
    CARD, "_", positive=("pan_«4111111111111111», card_«4111 1111 11111111»",), negative=("a_4111111111111112", "x_123")
)

CARD_JOINED = Detector(
    name="card",
    # Against a letter, unbroken or in groups as printed only: identifiers are full of letters and digits.
    pattern=(
        rf"(?:[2-689][0-9]{{11,18}}|[2-689][0-9]{{3}}(?:{GAP}[0-9]{{4}}){{3}}(?:{GAP}[0-9]{{1,3}})?"
        rf"|[2-689][0-9]{{3}}{GAP}[0-9]{{6}}{GAP}[0-9]{{4,5}}|[2-689][0-9]{{5}}{GAP}[0-9]{{13}})\b"
    ),
    context="[A-Za-z]",
    groups=("pci", "financial"),
    decisive=_CUT_OFF,
    standing=True,
    validate=validators.card,
    positive=(
        "PAN«4111111111111111» card«4111-1111-1111-1111» amex«3782 822463 10005» a«4111111111111111»",
        "face«4111111111111111»",
    ),
    negative=(
        "a4111111111111112",
        "probe-01a226e4-3374-7740-8613-be7dce590c72",
        "trace 9a2feaa0c55ad01f4111111111111111",
    ),
)

CARD_SAID = Detector(
    name="card",
    # Commas are what separates ordinary numbers in a row; only the word says that they are groups of one.
    pattern=r"[2-6][0-9]{3}(?:,[ ]?[0-9]{4}){3}\b",
    context=said("pan", "visa", "amex", "mastercard", within="card"),
    groups=("pci", "financial"),
    decisive=_CUT_OFF,
    validate=validators.card,
    positive=("card number: «4111,1111,1111,1111»", '"pan": "«4111, 1111, 1111, 1111»"'),
    negative=("4111,1111,1111,1111", "card: 4111,1111,1111,1112"),
)
