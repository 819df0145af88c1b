"""The secrets, all invented, and the text that they stand in."""

import base64
import random
from dataclasses import dataclass

CUT = 6  # a piece of a secret of this many bytes is a leak


@dataclass(frozen=True)
class Sample:
    """`told`: what stands in the text and is cut. `telling`: the part of it whose pieces are a leak."""

    name: str
    told: str
    telling: str = ""

    @property
    def pieces(self) -> list[str]:
        text = self.telling or self.told
        return [text[at : at + CUT] for at in range(len(text) - CUT + 1)]


def _jwt(chance: random.Random) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    claims = b'{"sub":"u-3187","iss":"https://idp.example","exp":1893456000}'
    return ".".join(part(each) for each in (b'{"alg":"ES256","typ":"JWT"}', claims, chance.randbytes(32)))


def samples(own_key: str) -> tuple[Sample, ...]:
    """One secret of each kind; `own_key` is the key that the gateway itself puts into the request."""
    chance = random.Random(20)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    body = base64.b64encode(chance.randbytes(96)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    kind = "PRIVATE" + " KEY"
    return (
        Sample("card", "4539578763621486"),
        Sample("card with spaces", "5425 2334 3010 9903"),
        Sample("SSN", "536-22-1849"),
        Sample("IBAN", "GB33BUKB20201555555555"),
        Sample("e-mail", "wilhelmina.okafor@mailbox-seven.example.net", "wilhelmina.okafor@mailbox-seven"),
        Sample("AWS key", "AKIA" + "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))),
        Sample("GitHub token", "ghp_" + "".join(chance.choices(letters, k=36))),
        Sample("JWT", _jwt(chance)),
        Sample("private key", f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----", lines),
        Sample("injected key", own_key),
    )


def written(chosen: tuple[Sample, ...]) -> str:
    """The text with all of them, in words that are no context for any detector."""
    parts = [f"Point {'abcdefghijklmnop'[at]}) {sample.told} was there;\n" for at, sample in enumerate(chosen)]
    return "Here is what we found.\n" + "".join(parts) + "That is all of it, dear reader."
