"""Checkpoints with a time that a stranger vouches for: RFC 3161, over HTTP.

    <state_dir>/log/timestamps/<origin>/<size>.note    the checkpoint
    <state_dir>/log/timestamps/<origin>/<size>.tsr     the authority's signed response over its SHA-256

A token proves that this tree head existed at that time: who signs another history later cannot date it back. It lies on
this machine and can be deleted with the rest, so it is no witness; keep copies elsewhere. Anybody checks one:
`openssl ts -verify -data SIZE.note -in SIZE.tsr -CAfile roots.pem`.
"""

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from audit.log.asking import SECONDS, post
from audit.log.boxes import BoxAway, BoxConflict
from runtime.fileio import atomic_write, private_dir

MAX_TOKEN = 64 << 10
NOTE, TOKEN = ".note", ".tsr"


class TimestampBox:
    """`roots`: PEM file with the certificates that the authority's chain must end in."""

    def __init__(self, url: str, roots: Path, folder: Path, seconds: float = SECONDS) -> None:
        self.name = url
        self._url, self._roots, self._folder, self._seconds = url, roots, folder, seconds

    def put(self, key: str, note: bytes) -> None:
        """Asks for a time only once for each checkpoint. Raises BoxAway, BoxConflict."""
        path = self._folder / key
        if self._kept(path, note):
            return
        request = TimestampRequestBuilder().data(note).build()
        content = self._ask(request.as_bytes())
        self._check(content, note, request.nonce)
        try:
            private_dir(path.parent)
            atomic_write(path.with_name(path.name + NOTE), note)
            atomic_write(path.with_name(path.name + TOKEN), content)
        except OSError as error:
            raise BoxAway(f"{path}: {error.strerror}") from None

    def all(self, origin: str) -> Iterator[tuple[str, bytes]]:
        """(what vouches for it, note). Raises BoxAway where a token does not fit its note."""
        for path in sorted((self._folder / origin).glob(f"[0-9]*{TOKEN}")):
            try:
                note, content = path.with_suffix(NOTE).read_bytes(), path.read_bytes()
            except OSError as error:
                raise BoxAway(f"{error.filename}: {error.strerror}") from None
            token = self._check(content, note)
            yield f"{path.name} (there at {token.tst_info.gen_time:%Y-%m-%d %H:%M:%S} UTC, says {self._url})", note

    def _kept(self, path: Path, note: bytes) -> bool:
        """Whether there is a time for this very checkpoint. A note without one is of a crash before it was written."""
        token, kept = path.with_name(path.name + TOKEN), path.with_name(path.name + NOTE)
        try:
            if (token.exists() or kept.exists()) and kept.read_bytes() != note:
                raise BoxConflict(f"{kept} holds another checkpoint of the same size")
        except OSError as error:
            raise BoxAway(f"{kept}: {error.strerror}") from None
        return token.exists()

    def _ask(self, request: bytes) -> bytes:
        headers = {"content-type": "application/timestamp-query"}  # RFC 3161 §3.4
        status, content = post(self._url, request, headers, MAX_TOKEN, self._seconds)
        if status != 200:
            raise BoxAway(f"{self.name} answered {status}")
        return content

    def _check(self, content: bytes, note: bytes, nonce: int | None = None) -> TimeStampResponse:
        """Signature, chain to a root, purpose of the certificate, the note's hash and our nonce."""
        try:
            response = decode_timestamp_response(content)
            builder = VerifierBuilder(nonce=nonce, roots=x509.load_pem_x509_certificates(self._roots.read_bytes()))
            builder.build().verify_message(response, note)
        except OSError as error:
            raise BoxAway(f"{self._roots}: {error.strerror}") from None
        except (VerificationError, ValueError) as error:
            raise BoxAway(f"{self.name}: the timestamp does not verify ({type(error).__name__})") from None
        return response
