"""Decide on a matched text and say how many of its first bytes are the secret; 0 means none.

A length, not a yes: `4111111111111111 34` matches as eighteen digits and fails the check digit, the card in it does
not. Numbers are tried cut at their separators, longest first. Everything here is arithmetic on a short text.
"""

import base64
import ipaddress
import re
from collections.abc import Callable, Iterator

from masking.iin import CARD_LENGTHS, IBAN_LENGTHS

_OTHER_THAN_DIGITS = bytes(byte for byte in range(256) if not 48 <= byte <= 57)
# The Luhn value of a doubled digit, as digit characters: 0 2 4 6 8 1 3 5 7 9.
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def spaced(text: bytes) -> bytes:
    """Blanks, as many, for the spellings of a blank that hold letters or digits of their own."""
    if b"&" not in text and b"%" not in text:
        return text
    return text.replace(b"&#160;", b"      ").replace(b"&nbsp;", b"      ").replace(b"%20", b"   ")


def digits_of(text: bytes) -> bytes:
    return spaced(text).translate(None, _OTHER_THAN_DIGITS)


def cuts(text: bytes) -> Iterator[tuple[int, bytes]]:
    """(length, digits) of the text and of its beginnings that end before a separator, longest first."""
    text = spaced(text)
    digits = digits_of(text)
    yield len(text), digits
    if len(digits) == len(text):
        return
    count = len(digits)
    for at in range(len(text) - 1, 0, -1):
        if 48 <= text[at] <= 57:
            count -= 1
            if not 48 <= text[at - 1] <= 57:
                end = at
                while end and not 48 <= text[end - 1] <= 57:
                    end -= 1
                if end:
                    yield end, digits[:count]


def luhn(digits: bytes) -> bool:
    """ISO/IEC 7812-1 annex B."""
    plain, doubled = digits[::-2], digits[-2::-2].translate(_DOUBLED)
    return (sum(plain) + sum(doubled) - 48 * len(digits)) % 10 == 0


def card(text: bytes) -> int:
    """Payment card: issuer range, the lengths it issues, check digit; not one digit all over."""
    lead = digits_of(text[:12])[:4]
    lengths = CARD_LENGTHS.get(lead, 0)
    if not lengths:
        return 0
    digits = digits_of(text)  # most candidates are decided by all of their digits, or have no separator to cut at
    size = len(digits)
    if lengths >> size & 1 and luhn(digits):
        return len(text) if digits.count(digits[:1]) < size else 0
    if size == len(text):
        return 0
    for length, digits in cuts(text):
        size = len(digits)
        if lengths >> size & 1 and luhn(digits) and digits.count(digits[:1]) < size:
            return length
    return 0


def mod97(text: bytes) -> bool:
    """ISO 7064 mod 97-10 over letters and digits (A=10 … Z=35), as IBAN and LEI use it."""
    return int("".join([_BASE36[byte] for byte in text])) % 97 == 1


def iban(text: bytes) -> int:
    """IBAN (ISO 13616): the country's own length, then mod 97; what follows it in the match is cut off."""
    need = IBAN_LENGTHS.get(text[:2].decode("ascii", "replace").upper(), 0)
    text = spaced(text)
    plain = text.translate(None, _OTHER_THAN_ALNUM)[:need]
    if not need or len(plain) < need or not mod97(plain[4:] + plain[:4]):
        return 0
    end = need
    while len(text[:end].translate(None, _OTHER_THAN_ALNUM)) < need:
        end += 1
    return end


# Byte → the decimal number that ISO 7064 puts in its place.
_BASE36 = {byte: str(int(chr(byte), 36)) for byte in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}
_OTHER_THAN_ALNUM = bytes(byte for byte in range(256) if byte not in _BASE36)


def aba(text: bytes) -> int:
    """ABA routing transit number: Federal Reserve prefix and the 3-7-1 checksum."""
    for length, digits in cuts(text):
        if len(digits) == 9 and aba_checksum(digits):
            return length
    return 0


def aba_checksum(digits: bytes) -> bool:
    prefix = int(digits[:2])
    if not (prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80):
        return False
    total = sum((byte - 48) * weight for byte, weight in zip(digits, (3, 7, 1) * 3, strict=True))
    return total % 10 == 0 and total > 0


def us_ssn(text: bytes) -> int:
    """Social security number: no area 000, 666 or 9xx, no group 00, no serial 0000 (SSA, since 2011)."""
    for length, digits in cuts(text):
        if len(digits) == 9:
            area, group, serial = digits[:3], digits[3:5], digits[5:]
            good = area not in (b"000", b"666") and area < b"900" and group != b"00" and serial != b"0000"
            return length if good else 0
    return 0


def us_itin(text: bytes) -> int:
    """Individual taxpayer number: 9xx, fourth and fifth digit 50-65, 70-88, 90-92, 94-99 (IRS)."""
    for length, digits in cuts(text):
        if len(digits) == 9:
            group = int(digits[3:5])
            good = 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or 94 <= group <= 99
            return length if good and digits[0] == 57 else 0
    return 0


# Prefixes that the IRS has not assigned to any campus.
_NO_EIN = frozenset((0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97))


def us_ein(text: bytes) -> int:
    """Employer identification number: an assigned two-digit prefix."""
    digits = digits_of(text)
    return len(text) if len(digits) == 9 and int(digits[:2]) not in _NO_EIN else 0


def uk_sort_code(text: bytes) -> int:
    digits = digits_of(text)
    return len(text) if len(digits) == 6 and digits != b"000000" else 0


def at_least_digits(count: int) -> Callable[[bytes], int]:
    """For free-form numbers that a context announces: enough digits, and not one digit all over."""

    def check(text: bytes) -> int:
        digits = digits_of(text)
        return len(text) if len(digits) >= count and len(set(digits)) > 1 else 0

    return check


def opaque(shortest: int) -> Callable[[bytes], int]:
    """For secrets without a form of their own: long enough, with letters and digits, not one word repeated."""

    def check(text: bytes) -> int:
        has_digit = len(digits_of(text)) > 0
        has_letter = any(chr(byte).isalpha() for byte in text if byte < 128)
        return len(text) if len(text) >= shortest and has_digit and has_letter and len(set(text)) >= 6 else 0

    return check


def assigned(shortest: int) -> Callable[[bytes], int]:
    """The same behind `password =`, where code stands as often: no `process.env.KEY_2` and the like."""
    secret = opaque(shortest)
    return lambda text: 0 if _CODE.match(text) else secret(text)


_CODE = re.compile(
    rb"(?:args|body|cfg|conf|config|context|ctx|data|env|event|input|local|module|options|opts|os|params|process|props|req"
    rb"|request|secrets|self|settings|this|values|var)\.[A-Za-z_]"
)


def licence(text: bytes) -> int:
    """Driving licence: no common form; at least six characters with four digits, one or more in each word."""
    for length in (len(text), *(at for at in range(len(text) - 1, 0, -1) if text[at : at + 1] in b" -")):
        part = text[:length]
        words = part.replace(b"-", b" ").split()
        if len(part) >= 6 and len(digits_of(part)) >= 4 and all(digits_of(word) for word in words):
            return length
    return 0


def zone(text: bytes) -> int:
    """A line of a machine-readable zone: filled up with `<`."""
    return len(text) if b"<" in text else 0


def uk_nino(text: bytes) -> int:
    """UK national insurance number: a prefix that HMRC issues."""
    return 0 if text[:2] in (b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ") else len(text)


def nanp(text: bytes) -> int:
    """North American number: no service code (N11) as area or exchange, no 9 in the middle of the area."""
    digits = digits_of(text)[-10:]
    good = len(digits) == 10 and digits[1:3] != b"11" and digits[4:6] != b"11" and digits[1] != 57
    return len(text) if good else 0


def uk_phone(text: bytes) -> int:
    return len(text) if 10 <= len(digits_of(text)) <= 11 else 0


# ITU E.164 country codes by their first digits: all of zones 1 and 7, else two digits, else three.
_TWO_DIGIT_CODES = frozenset(
    b"20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 "
    b"90 91 92 93 94 95 98".split()
)
_THREE_DIGIT_LEADS = frozenset(b"21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99".split())
_UNUSED_CODES = frozenset(b"210 214 215 217 219 259 292 293 294 295 296 384 386 999 997 990 969 978 801 859".split())


# How long numbers of the countries are that are rung most, with their code. What is filled up with zeros begins with
# 00 too, so an unbroken number counts only by these.
_USUAL_LENGTHS = {
    **{b"31": (11,), b"32": (10, 11), b"33": (11,), b"34": (11,), b"36": (11,), b"39": (11, 12), b"41": (11,)},
    **{b"43": (12, 13), b"44": (12,), b"45": (10,), b"46": (11,), b"47": (10,), b"48": (11,), b"49": (10, 11, 12, 13)},
    **{b"52": (12,), b"55": (12, 13), b"61": (11,), b"65": (10,), b"81": (11, 12), b"86": (13,), b"91": (12,)},
}


def e164(text: bytes) -> int:
    """International number: a country code that exists, eight to fifteen digits; longest cut first."""
    zeros = text[:2] == b"00"
    for length, digits in cuts(text):
        unbroken = zeros and len(digits) == length
        digits = digits.removeprefix(b"00") if zeros else digits
        if 8 <= len(digits) <= 15 and _called(digits, unbroken):
            return length
    return 0


def _called(digits: bytes, unbroken: bool) -> bool:
    """Does a country have numbers like this? North America, Russia and Egypt (`+2026-01-03`) by their lengths."""
    size, code = len(digits), digits[:2]
    if digits[:1] in (b"1", b"7"):
        return size == 11 and digits[1:2] not in (b"0", b"1")
    if unbroken:
        return size in _USUAL_LENGTHS.get(code, ())
    if code in _TWO_DIGIT_CODES:
        return code != b"20" or size >= 10
    return code in _THREE_DIGIT_LEADS and digits[:3] not in _UNUSED_CODES


def ipv4(text: bytes) -> int:
    """Four numbers up to 255; a network length up to 32 counts as part of it, a longer one does not."""
    address, _, bits = text.partition(b"/")
    if any(int(part) > 255 for part in address.split(b".")):
        return 0
    return len(text) if bits and int(bits) <= 32 else len(address)


def ipv6(text: bytes) -> int:
    """An address as RFC 4291 writes it, with zone or network length; not what code writes with `::`."""
    for end in (len(text), *(at for at in range(len(text) - 1, 1, -1) if text[at] in b"/%:.")):
        address, _, bits = text[:end].partition(b"/")
        try:
            known = ipaddress.IPv6Address(address.decode("ascii"))
        except ValueError:
            continue
        if not _written_out(address.partition(b"%")[0]):
            return 0
        return len(address) if bits and int(bits) > known.max_prefixlen else end
    return 0


def _written_out(address: bytes) -> bool:
    """Long enough, or beginning like an address in use, not to be `std::array`, `fee::bad` or a line of /etc/group."""
    groups = [group for group in address.split(b":") if group]
    begins = not address.startswith(b"::") and int(groups[0], 16) >= 0x2000 and len(groups[0]) == 4
    return b"::" not in address or b"." in address or len(groups) >= 4 or (begins and len(groups) > 1)


def json_base64(text: bytes) -> int:
    """Base64url that opens a JSON object: what every JSON web token starts with, whatever its header holds."""
    try:
        opening = base64.urlsafe_b64decode(text[:16]).lstrip()
    except ValueError:
        return 0
    return len(text) if opening[:1] == b"{" and opening[1:].lstrip()[:1] == b'"' else 0


def basic(text: bytes) -> int:
    """Base64 of `user:password`."""
    whole = text[: len(text) // 4 * 4]
    try:
        return len(text) if b":" in base64.b64decode(whole, validate=True) else 0
    except ValueError:
        return 0


# What masking itself leaves behind: looked at again, it must stay as it is.
_MASKED = re.compile(rb"\[[A-Z0-9_]{1,48}\]|tok_[a-z0-9_]{1,48}_[B-T]{20}|rev_[a-z0-9_]{1,48}_[A-Z2-7]{26,}|\*+")


def password(text: bytes) -> int:
    """Anything that somebody wrote where a password goes, but for what masking put there."""
    return 0 if _MASKED.fullmatch(text) else len(text)


def argument(text: bytes) -> int:
    """A password on a command line: no variable, no option, no name of what is to be put there."""
    if text[:1] in b"$-%{[" or (text.isupper() and text.isalpha()) or text.lower() in _PLACES:
        return 0
    return password(text)


def no_word(text: bytes) -> int:
    """The same, where prose is as likely: no word of small letters, whatever ends its sentence."""
    word = text.rstrip(b".:!?)")
    return 0 if not word or (word.isalpha() and word.islower()) else argument(text)


_PLACES = frozenset((b"password", b"passwd", b"secret", b"changeme", b"yourpassword", b"your-password", b"xxx", b"..."))


def before_at(text: bytes) -> int:
    """A password up to the last @, which belongs to the address; no port before a list or a query with one in it."""
    if _PORT.match(text):
        return 0
    return password(text[: text.rfind(b"@")])


_PORT = re.compile(rb"[0-9]{1,5}[,?]")


def country(text: bytes) -> bool:
    """An ISO 3166-1 alpha-2 code (and XK, which banks use for Kosovo)."""
    return text.upper() in _COUNTRIES


def bic(text: bytes) -> int:
    """SWIFT/BIC (ISO 9362): four letters, a country, two letters or digits, perhaps a branch of three."""
    return len(text) if len(text) in (8, 11) and country(text[4:6]) else 0


_COUNTRIES = frozenset(
    (
        b"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY "
        b"BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK "
        b"FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR "
        b"IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK "
        b"ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
        b"PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF "
        b"TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
    ).split()
)
