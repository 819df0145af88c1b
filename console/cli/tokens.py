"""The keyed tokens that the record holds instead of a value. The value itself goes nowhere: not to the store either.

Tokens join within a session unless a rule says otherwise, so one value has one token per session, and which sessions
could have it is asked first.
"""

from collections.abc import Iterator, Sequence

from audit.read.reader import Question, Reader
from masking import Ruleset
from runtime.settings import Settings
from snapshot.current import Current
from snapshot.masking_keys import masking_keys

CHUNK = 500  # tokens per question: they travel as one parameter
WITH_FINDINGS = """
SELECT DISTINCT session FROM
(
    SELECT session FROM maskings WHERE rule IN {rules:Array(String)}
    UNION ALL
    SELECT session FROM decisions
    WHERE arrayExists(f -> has({rules:Array(String)}, JSONExtractString(f, 'rule')), findings)
)
"""


class Tokens:
    """Of every profile of the current policy, with this gateway's key. Raises NoSnapshot, NoMaskingKeys."""

    def __init__(self, settings: Settings) -> None:
        self._rules: Ruleset = Current(settings.gateway.state_dir, settings.secrets).get().masking
        self._keys = masking_keys(settings)

    def known_as(self, value: str) -> list[str]:
        """The rules that take `value` for sensitive."""
        return sorted({rule for rule, _ in self._found(value, "")})

    def of(self, value: str, session: str) -> set[str]:
        """Its tokens in `session`, and those that join everywhere."""
        return {token for _, token in self._found(value, session) if token}

    def _found(self, value: str, session: str) -> Iterator[tuple[str, str]]:
        masker = self._rules.masker(sorted(self._rules.profiles), keys=self._keys, tweak=session.encode())
        for finding in masker.text(value)[1]:
            yield finding.rule, finding.token


def chunks_of_tokens(reader: Reader, tokens: Tokens, value: str, rules: Sequence[str]) -> Iterator[list[str]]:
    """Every token that `value` can have in the record, some hundred at a time."""
    rows = reader.ask(Question("audit.who-saw", WITH_FINDINGS, {"rules": list(rules)}))
    found = sorted(set[str]().union(*(tokens.of(value, row["session"]) for row in rows)))
    for start in range(0, len(found), CHUNK):
        yield found[start : start + CHUNK]
