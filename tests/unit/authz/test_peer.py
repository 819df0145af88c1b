"""Client certificates and what they do to a token's identity."""

from pathlib import Path
from urllib.parse import quote

import pytest

from authz import peer
from authz.errors import PeerRefused, TokenBound
from authz.peer import NOBODY, Peer
from identity import Identity
from tests.kit.certificates import Authority

SPIFFE = "spiffe://bank.example/agents/research"
TOKEN = Identity("https://issuer.example", "research-agent", agent="research-agent")


def told(folder: Path, *names: str) -> tuple[str, str]:
    """As Envoy tells a certificate; and its thumbprint."""
    issued = Authority(folder).issue("agent", *names)
    return quote(issued.certificate.read_text()), issued.thumbprint


def test_without_tls_there_is_nobody() -> None:
    assert peer.read("") is NOBODY
    assert peer.bind(TOKEN, NOBODY, needed=False) is TOKEN


def test_the_spiffe_id_is_the_agent(tmp_path: Path) -> None:
    certificate, thumbprint = told(tmp_path, SPIFFE, "agent.bank.example")
    found = peer.read(certificate)
    assert found == Peer(SPIFFE, thumbprint)
    bound = peer.bind(TOKEN, found, needed=False)
    assert (bound.agent, bound.subject) == (SPIFFE, "research-agent")


@pytest.mark.parametrize(
    "names",
    [(), ("agent.bank.example",), ("https://bank.example",), (SPIFFE, f"{SPIFFE}/2"), (f"{SPIFFE}/{'x' * 300}",)],
)
def test_certificates_that_name_nobody_or_several(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(PeerRefused):
        peer.read(told(tmp_path, *names)[0])


@pytest.mark.parametrize("text", ["x", quote("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"), "é"])
def test_what_is_no_certificate(text: str) -> None:
    with pytest.raises(PeerRefused):
        peer.read(text)


def test_a_bound_token_counts_with_its_certificate_alone() -> None:
    token = Identity("i", "s", agent="a", cnf="T" * 43)
    assert peer.bind(token, Peer(SPIFFE, "T" * 43), needed=True).agent == SPIFFE
    for other in (NOBODY, Peer(SPIFFE, "U" * 43), Peer("", "")):
        with pytest.raises(TokenBound):
            peer.bind(token, other, needed=False)


def test_tokens_may_have_to_be_bound() -> None:
    with pytest.raises(TokenBound, match="not bound"):
        peer.bind(TOKEN, Peer(SPIFFE, "T" * 43), needed=True)
