"""Addresses on block chains."""

from masking import coins
from masking.detector import Detector

BITCOIN = Detector(
    name="crypto_address",
    pattern=r"\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b",
    decisive="[13][1-9A-HJ-NP-Za-km-z]{12}",
    groups=("coins",),
    validate=coins.base58check,
    positive=("to «1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa»", "«3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy»"),
    negative=("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "1abcdefghijkmnopqrstuvwxyzABCDE"),
)

SEGWIT = Detector(
    name="crypto_address",
    pattern=r"\b(?:bc1[02-9ac-hj-np-z]{11,71}|BC1[02-9AC-HJ-NP-Z]{11,71})\b",
    decisive="(?i:bc1)[0-9A-Za-z]{8}",
    groups=("coins",),
    validate=coins.bech32,
    positive=(
        "«bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4»",
        "«BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4»",
        "«bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0»",
    ),
    negative=("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",),
)

ETHEREUM = Detector(
    name="crypto_address",
    pattern=r"\b0x[0-9a-fA-F]{40}\b",
    decisive="0x[0-9a-fA-F]{10}",
    groups=("coins",),
    positive=("wallet «0x52908400098527886E0F7030069857D2E4169EE7»",),
    negative=("0x52908400098527886E0F7030069857D2E4169EE", "0xdeadbeef"),
)
