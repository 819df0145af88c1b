"""A real Chromium, driven by tests/more/browser/browser.mjs: `page.click("button", "Grant")`."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit import more
from tests.kit.node import Program, program

NAMES = ("chromium", "chromium-browser", "google-chrome")
SHOTS = more.BUILD / "screenshots"
LOOKS = {"light": ("light", 1280), "dark": ("dark", 1280), "phone": ("light", 390), "phone-dark": ("dark", 390)}


class BrowserFailed(AssertionError):
    pass


@dataclass
class Page:
    """Elements are found as people find them: by role and name, by label, by text."""

    program: Program
    origin: str

    def do(self, verb: str, **fields: Any) -> Any:
        answer = self.program.ask({"do": verb, **fields})
        if "failed" in answer:
            raise BrowserFailed(f"{verb} {fields}: {answer['failed']}")
        return answer["ok"]

    def go(self, path: str) -> int:
        """The status of the page that it ends at."""
        status: int = self.do("go", url=self.origin + path)
        return status

    def click(self, role: str, name: str, *, exact: bool = False) -> None:
        self.do("click", role=role, name=name, exact=exact)

    def fill(self, label: str, value: str) -> None:
        self.do("fill", label=label, value=value)

    def see(self, text: str) -> None:
        self.do("see", text=text)

    def text(self, css: str) -> str:
        found: str = self.do("text", css=css)
        return found

    def sign_in(self, name: str, path: str = "/") -> None:
        """At the development issuer, where one clicks a name."""
        self.do("forget")
        self.go(path)
        self.click("button", f"Sign in as {name.title()}")

    def look(self, name: str) -> list[str]:
        """Screenshots in every look; what axe-core and the layout complain of, each with its look."""
        found = []
        for look, (scheme, width) in LOOKS.items():
            self.do("look", scheme=scheme, width=width)
            self.do("shot", path=str(SHOTS / f"{name}-{look}.png"))
            found += [f"{look}: {complaint}" for complaint in self.do("axe")]
            if (wider := self.do("wide")) > 0:
                found.append(f"{look}: the page is {wider} px wider than the window")
        self.do("look", scheme="light", width=1280)
        return found


@contextlib.contextmanager
def chromium(origin: str) -> Iterator[Page]:
    """Skips where there is no browser, and says what to do."""
    named = os.environ.get("CHROMIUM_BIN")  # noqa: TID251 - a tool of the tests, as OPA_BIN
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        more.missing("no Chromium: set CHROMIUM_BIN, or run `make tools` where apt may install it", "apt-get")
    with program("browser", "browser.mjs", {"chromium": str(Path(found))}) as running:
        assert running.line() == {"ok": "ready"}
        yield Page(running, origin)
