"""Where the embedded store listens."""

import pytest

from audit.store.__main__ import listen_address
from runtime.settings import SettingsRefused


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8123", "127.0.0.1:8123"),
        ("http://localhost", "localhost:8123"),
        ("http://[::1]:1", "[::1]:1"),
    ],
)
def test_host_and_port_of_the_url(url: str, address: str):
    assert listen_address(url) == address


@pytest.mark.parametrize("url", ["https://127.0.0.1", "http://0.0.0.0:8123", "http://db.example:8123", "8123", ""])
def test_neither_tls_nor_another_machine(url: str):
    with pytest.raises(SettingsRefused):
        listen_address(url)
