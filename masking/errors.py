"""What masking refuses, and by whose fault.

Error
├── CallerError
│   ├── Uninspectable     a body that cannot be looked into: unknown encoding, broken container, binary media
│   └── Blocked           a rule with `operator: block` matched: the body may not pass at all
└── GatewayError
    ├── RuleError         masking.yaml is wrong; says file:line
    ├── PatternRefused    a pattern that the engine cannot run in linear time, or that matches nothing at all
    ├── UnknownProfile    a verdict names a profile that the loaded rules lack
    └── BadKeys           masking keys of the wrong size

No message of these ever holds a byte of the inspected content.
"""

from runtime.errors import CallerError, GatewayError


class Uninspectable(CallerError):
    """A body that cannot be looked into; the caller decides between passing it by its media type and 502."""

    code = "uninspectable"


class Blocked(CallerError):
    """A rule whose operator is `block` matched. `rule` is its name; nothing of the body may go on."""

    code = "blocked"

    def __init__(self, rule: str) -> None:
        super().__init__(f"the body holds {rule}, which may not pass")
        self.rule = rule


class PatternRefused(GatewayError):
    """The pattern is outside what can be streamed exactly; the message says why, in words for its author."""

    code = "pattern_refused"


class RuleError(GatewayError):
    """masking.yaml is wrong. The message starts with `file:line:`."""

    code = "rule_error"

    def __init__(self, filename: str, line: int, reason: str) -> None:
        super().__init__(f"{filename}:{line}: {reason}")
        self.filename, self.line, self.reason = filename, line, reason


class UnknownProfile(GatewayError):
    """The named masking profile is not in the loaded rules: the exchange is refused, never masked less."""

    code = "unknown_profile"

    def __init__(self, profile: str) -> None:
        super().__init__(f"no masking profile is called {profile!r}")
        self.profile = profile


class BadKeys(GatewayError):
    """Masking keys have the wrong size."""

    code = "bad_keys"
