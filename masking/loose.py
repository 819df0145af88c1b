"""The one validator that needs a package of its own (`phonenumbers`, an optional extra of 48 MB)."""

from masking.validators import cuts

# Numbers without a country code are read as of these regions, in this order.
REGIONS = ("US", "GB")
# A parse costs about 20 µs; a text with more cuts than this is a table of numbers.
_MOST_CUTS = 3


def phone(text: bytes) -> int:
    """The longest beginning of the text (cut at a separator) that is a valid number in one of REGIONS, or with `+`."""
    import phonenumbers

    for turn, (length, digits) in enumerate(cuts(text)):
        if turn == _MOST_CUTS or len(digits) < 7:
            return 0
        written = text[:length].decode("utf-8", "replace")
        for region in REGIONS:
            try:
                number = phonenumbers.parse(written, region)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                return length
    return 0
