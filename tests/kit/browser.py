"""A browser without pictures: follows the console's sign-in at the development issuer, and keeps its cookies."""

import re
from urllib.parse import parse_qsl, urlsplit

import httpx


class Browser(httpx.Client):
    """`with Browser(base_url=console) as browser: page = browser.sign_in("alice")`."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url=base_url, timeout=10, trust_env=False, headers={"accept": "text/html"})

    def go(self, path: str) -> httpx.Response:
        """GET, with redirects as far as they lead."""
        return self.get(path, follow_redirects=True)

    def sign_in(self, name: str, path: str = "/") -> httpx.Response:
        """Goes to `path` of the console, is sent to the issuer, clicks `name`; the page that this ends at."""
        return self.get(self.answer(self.go(path), name), follow_redirects=True)

    def answer(self, page: httpx.Response, name: str) -> str:
        """Clicks `name` on the issuer's page; the address that the issuer sends the browser back to."""
        fields = dict(parse_qsl(urlsplit(str(page.url)).query)) | {"username": name}
        clicked = self.post(f"{origin(str(page.url))}/authorize", data=fields)
        assert clicked.status_code == 303, clicked.text
        return clicked.headers["location"]

    def send(self, request: httpx.Request, **options: object) -> httpx.Response:  # type: ignore[override]
        """As a browser does, names the page's origin when something is sent."""
        if request.method == "POST" and "origin" not in request.headers:
            request.headers["origin"] = str(self.base_url).rstrip("/")
        return super().send(request, **options)  # type: ignore[arg-type]


def csrf(page: httpx.Response) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
