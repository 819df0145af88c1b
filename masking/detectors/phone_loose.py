"""Telephone numbers as people really write them, by the `phonenumbers` package: finds more, and more that are none."""

from masking.detector import Detector
from masking.loose import phone

PHONE_LOOSE = Detector(
    name="phone_loose",
    pattern=r"(?:\+[0-9(]|\b[0-9]|\([0-9])(?:(?:[ .()/\-]|[\u00a0\u202f\u2009\u2011\u2013]){0,2}[0-9]){6,14}\b",
    groups=(),
    standing=True,
    validate=phone,
    needs="phonenumbers",
    positive=("«4155552671»", "ring «020 7946 0958» or «(0161) 496 0000»", "«+33 1 42 68 53 00»"),
    negative=("1234567", "2024-01-31"),
)
