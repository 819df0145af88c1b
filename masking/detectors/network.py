"""Addresses of machines."""

from masking import validators
from masking.detector import Detector

_HEX = "[0-9A-Fa-f]{1,4}"
_V4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
_TAIL = r"(?:%[A-Za-z0-9_.\-]{1,16})?(?:/[0-9]{1,3})?"

IPV4 = Detector(
    name="ipv4",
    pattern=rf"\b{_V4}\b(?:/[0-9]{{1,2}}\b)?",
    groups=("network", "ip"),
    validate=validators.ipv4,
    positive=("from «10.1.2.3»:8080", "«192.168.0.0/16»", "host «8.8.8.8»."),
    negative=("version 1.2.3", "256.1.1.1", "1.2.3.4567"),
)

IPV6 = Detector(
    name="ipv6",
    pattern=(
        rf"(?:\b(?:{_HEX}:){{7}}{_HEX}{_TAIL}|\b(?:{_HEX}:){{6}}{_V4}{_TAIL}"
        rf"|(?:\b{_HEX}(?::{_HEX}){{0,5}})?::(?:{_HEX}:){{0,5}}{_V4}{_TAIL}"
        rf"|(?:\b{_HEX}(?::{_HEX}){{0,6}})?::(?:{_HEX}(?::{_HEX}){{0,6}})?{_TAIL})"
    ),
    groups=("network", "ip"),
    validate=validators.ipv6,
    decisive="(?:[^:]{0,4}:){3}",
    positive=(
        "«2001:db8::8a2e:370:7334»",
        "«fe80::1ff:fe23:4567:890a%eth0»",
        "net «2001:db8:abcd::/48»",
        "[«2001:0db8:85a3:0000:0000:8a2e:0370:7334»]:443",
        "mapped «::ffff:192.0.2.128»",
    ),
    negative=(
        "12:30:45",
        "std::string",
        "AWS::EC2::EIP",
        "www:x:103:104::/var",
        "fee::bad",
        "abc::def::fed",
        "a[::2]",
        "x::y",
        "::",
        "at 10:20",
    ),
)
