from masking import operators
from masking.detector import Detector
from masking.finding import Findings
from masking.keys import Keys
from masking.restore import restorer
from masking.scan import Rule, Scanner
from masking.text import mask_text
from tests.kit.masked_texts import KEYS, pieces, streamed, whole

CARD = Detector("card", r"\b[0-9]{16}\b", (), ())
TEXT = b"pay 4111111111111111, not 5555555555554444."


def sealed(tweak: bytes) -> bytes:
    rule = Rule("card", "1", CARD, operators.REVERSIBLE)
    return mask_text(Scanner((rule,), KEYS, tweak=tweak), "$", Findings(), TEXT, closed=True)


def test_tokens_come_back_in_every_splitting() -> None:
    token_text = sealed(b"session|alice")
    assert b"4111" not in token_text
    back = restorer(KEYS, b"session|alice")
    assert whole(back, token_text)[0] == TEXT
    for cut in range(len(token_text)):
        assert b"".join(streamed(back, pieces(token_text, (cut,)))[0]) == TEXT


def test_any_other_token_stays_a_token() -> None:
    token_text = sealed(b"session|alice")
    for other in (restorer(KEYS, b"session|mallory"), restorer(Keys.generate(), b"session|alice")):
        assert whole(other, token_text)[0] == token_text
    forged = b"rev_card_" + b"A" * 40 + b" and rev_card_short"
    assert whole(restorer(KEYS, b"session|alice"), forged)[0] == forged


def test_an_end_in_the_middle_of_a_token_leaves_it() -> None:
    token_text = sealed(b"s")
    assert whole(restorer(KEYS, b"s"), token_text[:40], closed=False)[0] == token_text[:40]


def test_what_is_too_long_to_come_back_is_redacted() -> None:
    long = Detector("long", "<[a-z]{1,900}>", (), ())
    rule = Rule("long", "1", long, operators.REVERSIBLE)
    assert mask_text(Scanner((rule,), KEYS), "$", Findings(), b"<" + b"a" * 700 + b">") == b"[LONG]"
    text = b"<" + b"a" * (operators.LONGEST_SEALED - 2) + b">"
    token = mask_text(Scanner((rule,), KEYS), "$", Findings(), text)
    assert whole(restorer(KEYS, b""), token)[0] == text


def test_what_an_answer_seals_stays_sealed() -> None:
    """Only what went out with a request comes back: an answer's own tokens are for who holds the key."""
    rules = (Rule("card", "1", CARD, operators.REVERSIBLE),)
    tokens = [
        mask_text(Scanner(rules, KEYS, tweak=b"s", answer=answer), "$", Findings(), TEXT) for answer in (True, False)
    ]
    back = restorer(KEYS, b"s")
    assert whole(back, tokens[0])[0] == tokens[0]
    assert whole(back, tokens[1])[0] == TEXT
