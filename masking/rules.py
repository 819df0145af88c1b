"""data/masking.yaml: profiles, which are lists of rules; each rule selects something and names an operator.

    profiles:
      floor:                                  # what may be stored at all; no verdict weakens it
        - detect: [secrets, card]             # detectors and groups of them; `except:` leaves some out
        - detect: email
          stream: partial                     # exact (default) holds one word back in every stream
        - key: [password, "*_secret"]         # field names; case, "-" and "_" do not matter
      pci:
        - include: floor
        - detect: card
          operator: {partial: last4}          # redact (default) | {redact: "text"} | {partial: last4 | first6_last4}
                                              # | token | reversible | format | drop | block
        - path: ["$.customer.ssn", "accounts[*].number"]
          operator: token
          scope: gateway                      # tokens join across sessions; default: within one session
          connection: "ledger*"
          direction: response                 # default: both
        - pattern: 'EMP-[0-9]{6}'
          name: employee_id
          context: 'employee[: ]+'            # also: ignore_case, validate, swallow

Where rules of the chosen profiles select the same thing, the strictest operator wins. There is no unkeyed hash, and the
file may not show part of card numbers in one place and tokens of them in another: both together give the number away.
Where a field or a pattern of one's own is shown in part, a card number in it gets no token anywhere, but is redacted.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from masking import entry as entries
from masking.detector import Detector
from masking.entry import Entry
from masking.errors import PatternRefused, RuleError, UnknownProfile
from masking.keys import Keys
from masking.located import Located, load
from masking.matcher import compiled
from masking.operators import REDACT
from masking.scan import Parts, Rule, Scanner
from masking.select import Selection

if TYPE_CHECKING:
    from masking.masker import Masker

SECRETS_FILE = "exeat.toml"
_Choice = tuple[frozenset[str], str, str]
_Chosen = tuple[tuple[Rule, ...], Selection]


class Ruleset:
    """All profiles of one revision. Immutable; scanners of the same choice share what they compile."""

    def __init__(self, profiles: Mapping[str, tuple[Entry, ...]], secrets: tuple[Rule, ...] = ()) -> None:
        self._profiles = dict(profiles)
        self._secrets = secrets
        self._truncates_cards = any(each.operator.truncates for each in self._about_cards())
        self._parts = self._shown()
        self._chosen: dict[_Choice, _Chosen] = {}
        self._scanners: dict[_Choice, tuple[Keys, Scanner]] = {}  # of the keys that were used last
        self._refuse_both()

    @classmethod
    def parse(cls, text: str, filename: str, *, secrets: Mapping[str, str] | None = None) -> "Ruleset":
        """Read masking.yaml. `secrets`: name → pattern of the secrets in exeat.toml, masked in every profile.

        Raises RuleError, which says file:line.
        """
        document = load(text, filename).mapping()
        for field, value in document.items():
            if field not in ("profiles", "version"):
                raise value.error(f"{field!r} has no meaning here; a masking file has `profiles`")
        if "profiles" not in document:
            raise RuleError(filename, 1, "a masking file has `profiles`")
        found = document["profiles"].mapping()
        profiles = {name: tuple(_read_profile(name, found, ())) for name in found}
        return cls(profiles, tuple(_secret(name, pattern) for name, pattern in (secrets or {}).items()))

    @property
    def profiles(self) -> frozenset[str]:
        return frozenset(self._profiles)

    def scanner(
        self,
        profiles: Sequence[str],
        *,
        keys: Keys,
        connection: str = "",
        direction: str = "response",
        tweak: bytes = b"",
    ) -> Scanner:
        """The rules of these profiles for one connection and direction. Raises UnknownProfile."""
        for profile in profiles:
            if profile not in self._profiles:
                raise UnknownProfile(profile)
        choice = frozenset(profiles), connection, direction
        known = self._scanners.get(choice)
        if known is None or known[0] is not keys:
            rules, selection = self._chosen_for(choice)
            answer = direction == "response"
            known = keys, Scanner(rules, keys, selection=selection, answer=answer, parts=self._parts)
            self._scanners[choice] = known
        return known[1].tied(tweak) if tweak else known[1]

    def _chosen_for(self, choice: _Choice) -> _Chosen:
        names, connection, direction = choice
        if choice not in self._chosen:
            ordered = [name for name in self._profiles if name in names]
            listed = [each for name in ordered for each in self._profiles[name]]
            self._chosen[choice] = self._choose([each for each in listed if each.applies(connection, direction)])
        return self._chosen[choice]

    def masker(
        self,
        profiles: Sequence[str],
        *,
        keys: Keys,
        connection: str = "",
        direction: str = "response",
        tweak: bytes = b"",
    ) -> "Masker":
        """What most callers want: the scanner with the formats around it. Raises UnknownProfile."""
        from masking.masker import Masker  # the formats stand on the rules' scanner

        return Masker(self.scanner(profiles, keys=keys, connection=connection, direction=direction, tweak=tweak))

    def _choose(self, chosen: Iterable[Entry]) -> _Chosen:
        """One rule per detector, the strictest; strict rules first, so that they win ties in the text as well."""
        chosen = list(chosen)
        best: dict[Detector, Rule] = {rule.detector: rule for rule in self._secrets}
        for rule in (rule for each in chosen for rule in each.rules(self._telling)):
            known = best.get(rule.detector)
            if known is None or rule.operator.rank > known.operator.rank:
                best[rule.detector] = rule
        rules = tuple(sorted(best.values(), key=lambda rule: -rule.operator.rank))
        return rules, Selection([each.key_rule() for each in chosen if each.keys or each.paths])

    def _telling(self, detector: str) -> bool:
        return not (detector == "card" and self._truncates_cards)

    def _shown(self) -> Parts:
        showing = [each for profile in self._profiles.values() for each in profile if each.operator.truncates]
        if any(not each.detectors or any(d.name == "card" or not d.groups for d in each.detectors) for each in showing):
            return Parts.CARDS
        return Parts.OTHERS if showing else Parts.NOTHING

    def _about_cards(self) -> list[Entry]:
        listed = [each for profile in self._profiles.values() for each in profile]
        return [each for each in listed if any(detector.name == "card" for detector in each.detectors)]

    def _refuse_both(self) -> None:
        tokens = [each for each in self._about_cards() if each.operator.tokenises]
        if tokens and self._truncates_cards:
            other = next(each for each in self._about_cards() if each.operator.truncates)
            raise tokens[0].located.error(
                f"tokens of card numbers here and parts of them in line {other.located.line}: "
                "one store would hold both, which gives the numbers away"
            )


def _read_profile(name: str, profiles: Mapping[str, Located], within: tuple[str, ...]) -> Iterable[Entry]:
    for rule in profiles[name].items():
        fields = rule.mapping()
        if entries.selector_of(rule, fields) != "include":
            yield entries.read(rule)
            continue
        for other in fields["include"].items():
            if other.text() not in profiles:
                raise other.error(f"no profile is called {other.text()!r}")
            if other.text() in (name, *within):
                raise other.error(f"profile {other.text()!r} includes itself")
            yield from _read_profile(other.text(), profiles, (name, *within))


def _secret(name: str, pattern: str) -> Rule:
    """A secret of the gateway's own must never come back: its pattern is part of every choice of profiles."""
    label = "secret_" + "".join(char if char.isascii() and char.isalnum() else "_" for char in name.lower())
    detector = Detector(label, pattern, ("secrets",), ())
    try:
        compiled(detector)
    except PatternRefused as exc:
        raise RuleError(SECRETS_FILE, 1, f"secrets.{name}.pattern: {exc.message}") from exc
    return Rule(label, "1", detector, REDACT)
