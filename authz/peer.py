"""Who is at the other end of the TLS connection: the client certificate that Envoy verified. Pure.

Where agents come with certificates, the agent is the certificate's SPIFFE ID, whatever the token says of it; and a
token that is bound to a certificate (`cnf`, RFC 8705 §3) counts with that certificate alone, so a stolen one opens
nothing.
"""

import base64
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from authz.errors import PeerRefused, TokenBound
from identity import Identity
from identity.claims import MAX_TEXT

REMEMBERED = 1024  # certificates; parsing one takes longer than all the rest of a check


@dataclass(frozen=True, slots=True)
class Peer:
    """`spiffe`: its SPIFFE ID; `thumbprint`: `x5t#S256`, base64url of the certificate's SHA-256. "" without TLS."""

    spiffe: str = ""
    thumbprint: str = ""


NOBODY = Peer()


def read(certificate: str) -> Peer:
    """`certificate`: the leaf as Envoy tells it, PEM, URL-encoded; "" when there is none. Raises PeerRefused."""
    return _read(certificate) if certificate else NOBODY


@lru_cache(REMEMBERED)
def _read(certificate: str) -> Peer:
    try:
        parsed = x509.load_pem_x509_certificate(unquote(certificate).encode("ascii"))
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound):
        raise PeerRefused("The client certificate cannot be read, or names nobody.") from None
    if len(uris) != 1 or not uris[0].startswith("spiffe://") or not _plain(uris[0]):
        raise PeerRefused("The client certificate must name exactly one SPIFFE ID.")
    thumbprint = base64.urlsafe_b64encode(parsed.fingerprint(SHA256())).rstrip(b"=").decode()
    return Peer(uris[0], thumbprint)


def bind(identity: Identity, peer: Peer, *, needed: bool) -> Identity:
    """The identity as this peer may use it. `needed`: tokens must be bound. Raises TokenBound."""
    if identity.cnf and identity.cnf != peer.thumbprint:
        raise TokenBound("The token is bound to a client certificate, and the request did not come with that one.")
    if needed and not identity.cnf:
        raise TokenBound("The token is not bound to a client certificate (cnf), as this gateway demands.")
    return replace(identity, agent=peer.spiffe) if peer.spiffe else identity


def _plain(text: str) -> bool:
    return len(text) <= MAX_TEXT and text.isascii() and text.isprintable()
