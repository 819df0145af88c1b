"""Names of tools as a verdict hides them. Pure."""

import re
from collections.abc import Sequence


class Hidden:
    """`delete_*` hides, `!delete_note` takes one out again; `*` is any text, and case counts.

    The same patterns mean the same in Rego (`glob.match(pattern, null, name)`).
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._hide = [_pattern(each) for each in patterns if not each.startswith("!")]
        self._show = [_pattern(each[1:]) for each in patterns if each.startswith("!")]

    def __bool__(self) -> bool:
        return bool(self._hide)

    def __call__(self, name: object) -> bool:
        """What is no text is no name that anybody allowed."""
        if not isinstance(name, str):
            return bool(self._hide)
        return any(each.fullmatch(name) for each in self._hide) and not any(each.fullmatch(name) for each in self._show)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)
