"""Bank accounts and the codes that lead to them."""

from masking import validators
from masking.detector import GAP, Detector, said
from masking.iin import IBAN_LENGTHS

IBAN = Detector(
    name="iban",
    # Spelling out the countries keeps a stream from holding two letters of every capitalised word.
    pattern=rf"\b(?:{'|'.join(IBAN_LENGTHS)})[0-9]{{2}}(?:{GAP}?[A-Z0-9]){{11,30}}",
    groups=("bank", "financial", "pii"),
    standing=True,
    validate=validators.iban,
    positive=(
        "IBAN «GB82 WEST 1234 5698 7654 32» PLEASE",
        "«DE89370400440532013000»",
        "«NO93 8601 1117 947», «MT84MALT011000012345MTLCAST001S».",
        "«FR14 2004 1010 0505 0001 3M02 606»",
        "«GB82&nbsp;WEST&nbsp;1234&nbsp;5698&nbsp;7654&nbsp;32», iban=«GB82%20WEST%201234%205698%207654%2032»&x",
    ),
    negative=("GB82 WEST 1234 5698 7654 33", "ZZ89370400440532013000", "DE8937040044053201300"),
)

IBAN_SAID = Detector(
    name="iban",
    pattern=rf"[A-Z]{{2}}[0-9]{{2}}(?:{GAP}?[A-Z0-9]){{11,30}}",
    ignore_case=True,
    context=said("iban", "acct", "konto", within="account"),
    groups=("bank", "financial", "pii"),
    standing=True,
    validate=validators.iban,
    positive=("iban: «gb82west12345698765432»", "IBAN no. «De89 3704 0044 0532 0130 00»"),
    negative=("gb82west12345698765432",),
)

US_ABA = Detector(
    name="us_aba",
    # A bare nine-digit number passes the checksum one time in ten, so the word has to stand before it.
    pattern=rf"[0-9]{{4}}{GAP}?[0-9]{{4}}{GAP}?[0-9]\b",
    # MmbId: a member of a clearing system (ISO 20022); BANKID: OFX.
    context=said("aba", "rtn", "mmbid", "bankid", within="(?:routing|transit)(?:[ _/-]?transit|[ _/-]?aba)?"),
    groups=("bank", "financial", "us"),
    validate=validators.aba,
    positive=(
        "ABA: «021000021»",
        '"routing":"«021000021»"',
        '{"routingNumber": "«011401533»"}',
        "Routing number is «0210-0002-1».",
        "| **Routing** | «322271627» |",
        '"ach_routing_number": "«121000248»", "bankRouting": "«121000248»"',
        "wire routing number (domestic): «121000248»",
        "<ClrSysMmbId><MmbId>«021000021»</MmbId></ClrSysMmbId>",
    ),
    negative=("routing: 021000022", "021000021", "routing the packet 12 times"),
)

BANK_ACCOUNT = Detector(
    name="bank_account",
    pattern=rf"[0-9](?:{GAP}?[0-9]){{5,16}}\b",
    context=said("acct", "a/c", "konto", "kontonummer", "compte", within="account"),
    groups=("bank", "financial"),
    standing=True,
    validate=validators.at_least_digits(6),
    positive=(
        "account number: «12345678»",
        '"account_number":"«000123456789»"',
        "Acct #«0012 3456 78» today",
        "a/c no. «31926819»",
        '"creditorAccount": "«31926819»", "from_account_number": «31926819», acctNbr=«31926819»',
    ),
    negative=("account of 12 people", "account: 000000", "accounting 12345678"),
)

MESSAGE_ACCOUNT = Detector(
    name="bank_account",
    # Fields 25 and 50 to 59 of a SWIFT MT message; an account that is no IBAN in ISO 20022; OFX.
    pattern=r"[0-9](?:[ \-]?[0-9]){5,33}\b",
    context=(
        r"(?:[\r\n]:(?:25|5[0-9])[A-Z]?:/{0,2}(?:[A-Z]/)?|<(?:ACCTID|AcctId)>"
        r"|Acct>[ \t\r\n]{0,12}<Id>[ \t\r\n]{0,14}<Othr>[ \t\r\n]{0,16}<Id>)"
    ),
    groups=("bank", "financial"),
    validate=validators.at_least_digits(6),
    positive=(
        "\n:50K:/«000123456789»\nJANE PUBLIC\n:59:/«31926819»\n",
        "<DbtrAcct><Id><Othr><Id>«000123456789»</Id>",
        "<CdtrAcct>\n  <Id>\n    <Othr>\n      <Id>«000123456789»</Id>",
        "<ACCTID>«000123456789»\n<ACCTTYPE>CHECKING",
    ),
    negative=(":20:20260103001\n:32A:260103EUR1500,00", "<PmtId><Id>000123456789</Id>", "at 10:52:000123"),
)

MESSAGE_BIC = Detector(
    name="swift_bic",
    # Parties of a SWIFT MT message, with the account above it if there is one; ISO 20022 up to 2013 and since.
    pattern=r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b",
    context=r"(?:[\r\n]:5[1-9][AD]:(?:/[A-Z0-9/]{1,36}\r?\n)?|<(?:BIC|BICFI|AnyBIC|BICOrBEI)>)",
    decisive="[A-Z]{6}",
    groups=("bank", "financial"),
    standing=True,
    validate=validators.bic,
    positive=("\n:52A:«BANKBEBB»\n:57A://FW021000021\n«DEUTDEFF500»\n", "<AnyBIC>«DEUTDEFF»</AnyBIC>"),
    negative=(":72:CUSTOMER", ":59:CUSTOMER"),
)

SWIFT_BIC = Detector(
    name="swift_bic",
    # Every eight-letter word in capitals whose fifth and sixth letters are a country looks like one.
    pattern=r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b",
    context=said("swift", "bic", "bicfi", "swift/bic", "bic/swift", "swiftbic", "bicswift"),
    decisive="[A-Z]{6}",
    groups=("bank", "financial"),
    standing=True,
    validate=validators.bic,
    positive=(
        "SWIFT: «DEUTDEFF»",
        "BIC/SWIFT code «NEDSZAJJXXX»",
        '"bic":"«CHASUS33»"',
        '"beneficiary_bic": "«CHASUS33»", "bankSwiftCode": "«CHASUS33»"',
    ),
    negative=("SWIFT: CUSTOMER1", "the CUSTOMER", "BIC: DEUTZZFF"),
)

UK_SORT_AND_ACCOUNT = Detector(
    name="uk_sort_code",
    pattern=r"\b[0-9]{2}-[0-9]{2}-[0-9]{2}(?:[ ]?[/,|][ ]?|[ ]{1,2})[0-9]{8}\b",
    groups=("bank", "financial", "uk"),
    positive=("pay «20-00-00 / 31926819»", "«60-16-13 31926819»"),
    negative=("20-00-00 3192", "20-00-00"),
)

UK_SORT_CODE = Detector(
    name="uk_sort_code",
    pattern=rf"[0-9]{{2}}{GAP}?[0-9]{{2}}{GAP}?[0-9]{{2}}\b",
    context=said("s/c", within="sort[ _-]?code"),
    groups=("bank", "financial", "uk"),
    validate=validators.uk_sort_code,
    positive=("sort code «20-00-00»", '"sortCode":"«601613»"', "Sort-code: «60 16 13»"),
    negative=("20-00-00", "sort code: 00-00-00"),
)
