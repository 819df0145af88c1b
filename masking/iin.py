"""Issuer ranges of payment cards (ISO/IEC 7812) and lengths of IBANs (the SWIFT registry), as look-up tables."""

_RANGES: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    # first four digits from, to, lengths issued
    (2200, 2204, (16, 17, 18, 19)),  # Mir
    (2221, 2720, (16,)),  # Mastercard, second series
    (3000, 3059, (14, 15, 16, 17, 18, 19)),  # Diners Club
    (3095, 3095, (14, 15, 16, 17, 18, 19)),  # Diners Club
    (3400, 3499, (15,)),  # American Express
    (3528, 3589, (16, 17, 18, 19)),  # JCB
    (3600, 3699, (14, 15, 16, 17, 18, 19)),  # Diners Club
    (3700, 3799, (15,)),  # American Express
    (3800, 3999, (14, 15, 16, 17, 18, 19)),  # Diners Club
    (4000, 4999, (13, 16, 19)),  # Visa
    (5000, 5099, (16, 17, 18, 19)),  # Maestro, Verve, Elo
    (5100, 5599, (16,)),  # Mastercard
    (5600, 5899, (16, 17, 18, 19)),  # Maestro
    (6000, 6999, (16, 17, 18, 19)),  # Discover, UnionPay, Maestro, RuPay, Elo, Hipercard, Troy
    (8100, 8171, (16, 17, 18, 19)),  # UnionPay
    (9792, 9792, (16,)),  # Troy
)


# Maestro is the one that issues numbers of 12 to 15 digits, under these: elsewhere they are ordinary numbers.
_SHORT_MAESTRO = (5018, 5020, 5038, 5893, 6304, 6390, 6706, 6709, 6759, 6761, 6762, 6763, 6771, 6799)


def _lengths() -> dict[bytes, int]:
    table: dict[bytes, int] = {}
    for low, high, lengths in _RANGES:
        bits = sum(1 << length for length in lengths)
        for lead in range(low, high + 1):
            table[b"%04d" % lead] = bits
    for lead in _SHORT_MAESTRO:
        table[b"%04d" % lead] |= sum(1 << length for length in (12, 13, 14, 15))
    return table


CARD_LENGTHS = _lengths()
"""First four digits → bit n set when numbers of n digits are issued under them."""

_BY_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN_LENGTHS = {country: length for length, countries in _BY_LENGTH.items() for country in countries.split()}
"""Country → letters and digits of its IBANs."""
