"""Signed policy repositories: `policy.sig` beside the files, by `exeat policy sign` or by `ssh-keygen -Y sign`.

What is signed is the list of the repository's files as `sha256sum` prints it (Repository.listing), whose digest names
the snapshot. The signature is an SSH signature (OpenSSH, PROTOCOL.sshsig) in the namespace `exeat-policy`, by an
Ed25519 key; who may sign is `policy.signers` of the settings.

    exeat policy sign DIR --key ~/.ssh/id_ed25519
    exeat policy listing DIR > list && ssh-keygen -Y sign -f KEY -n exeat-policy list && mv list.sig DIR/policy.sig
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from snapshot.located import RepositoryRefused
from snapshot.repository import Repository

FILE = "policy.sig"
NAMESPACE = b"exeat-policy"
MAGIC = b"SSHSIG"
VERSION = 1
ALGORITHM = b"ssh-ed25519"
HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
MAX_BYTES = 8 << 10


class _Bad(Exception):
    """The message says what is wrong, in words for the repository's owner."""


@dataclass(frozen=True, slots=True)
class _Signature:
    key: bytes
    namespace: bytes
    reserved: bytes
    algorithm: bytes
    value: bytes


def check(directory: Path, revision: Repository, signers: Sequence[str]) -> str:
    """The fingerprint of who signed, as `ssh-keygen -l` prints it; "" where nobody needs to. Raises RepositoryRefused.

    `signers`: lines of public keys, `ssh-ed25519 AAAA… comment`. Without any, no signature is asked for.
    """
    if not signers:
        return ""
    try:
        return _checked(read(directory), revision, signers)
    except _Bad as error:
        raise RepositoryRefused(FILE, 0, str(error)) from None


def read(directory: Path) -> str:
    """The signature file, "" where there is none."""
    try:
        with (directory / FILE).open("rb") as file:
            return file.read(MAX_BYTES + 1).decode("ascii", "replace")
    except OSError:
        return ""


def sign(revision: Repository, key: Ed25519PrivateKey, namespace: bytes = NAMESPACE) -> str:
    """The text of the signature file."""
    public = _wire(ALGORITHM) + _wire(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    value = _wire(ALGORITHM) + _wire(key.sign(_signed(revision, namespace, b"", b"sha512")))
    parts = [public, namespace, b"", b"sha512", value]
    blob = MAGIC + struct.pack(">I", VERSION) + b"".join(_wire(part) for part in parts)
    text = base64.b64encode(blob).decode()
    return "\n".join([BEGIN, *(text[at : at + 70] for at in range(0, len(text), 70)), END, ""])


def public_line(key: Ed25519PrivateKey) -> str:
    """What stands in `policy.signers`."""
    public = _wire(ALGORITHM) + _wire(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    return f"ssh-ed25519 {base64.b64encode(public).decode()}"


def fingerprint(public: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


def key_of(line: str) -> bytes:
    """The wire form of the key of a line. Raises ValueError."""
    fields = line.split()
    if len(fields) < 2 or fields[0] != ALGORITHM.decode():
        raise ValueError("not a line of an ssh-ed25519 public key")
    public = base64.b64decode(fields[1], validate=True)
    if len(public) != 51 or not public.startswith(_wire(ALGORITHM)):
        raise ValueError("not an ssh-ed25519 public key")
    return public


def _checked(text: str, revision: Repository, signers: Sequence[str]) -> str:
    if not text:
        raise _Bad("the repository is not signed, and policy.signers asks for a signature")
    found = _parsed(text)
    if found.key not in [key_of(line) for line in signers]:
        raise _Bad(f"signed by {fingerprint(found.key)}, who is not among policy.signers")
    if found.namespace != NAMESPACE or found.reserved:
        raise _Bad(f"the signature is not one for namespace {NAMESPACE.decode()}")
    if found.algorithm not in HASHES:
        raise _Bad("the signature's hash is neither sha256 nor sha512")
    signed = _signed(revision, found.namespace, found.reserved, found.algorithm)
    try:
        Ed25519PublicKey.from_public_bytes(found.key[-32:]).verify(found.value, signed)
    except InvalidSignature:
        raise _Bad("the signature is not one of these files: they were changed after it was made") from None
    return fingerprint(found.key)


def _signed(revision: Repository, namespace: bytes, reserved: bytes, algorithm: bytes) -> bytes:
    digest = HASHES[algorithm](revision.listing).digest()
    return MAGIC + b"".join(_wire(part) for part in (namespace, reserved, algorithm, digest))


def _parsed(text: str) -> _Signature:
    lines = text.split()
    armor = (BEGIN.split(), END.split())
    if lines[: len(armor[0])] != armor[0] or lines[-len(armor[1]) :] != armor[1] or len(text) > MAX_BYTES:
        raise _Bad("not an SSH signature")
    try:
        blob = base64.b64decode("".join(lines[len(armor[0]) : -len(armor[1])]), validate=True)
        if not blob.startswith(MAGIC + struct.pack(">I", VERSION)):
            raise _Bad("not an SSH signature of version 1")
        key, namespace, reserved, algorithm, signature = _strings(blob[len(MAGIC) + 4 :], 5)
        kind, value = _strings(signature, 2)
    except (binascii.Error, struct.error, ValueError):
        raise _Bad("the SSH signature is cut off or damaged") from None
    if kind != ALGORITHM or not key.startswith(_wire(ALGORITHM)) or len(key) != 51 or len(value) != 64:
        raise _Bad("the signature is not one of an ssh-ed25519 key")
    return _Signature(key, namespace, reserved, algorithm, value)


def _wire(part: bytes) -> bytes:
    """RFC 4251 §5: a string."""
    return struct.pack(">I", len(part)) + part


def _strings(blob: bytes, count: int) -> list[bytes]:
    """Exactly so many strings. Raises ValueError, struct.error."""
    found, at = [], 0
    for _ in range(count):
        (size,) = struct.unpack_from(">I", blob, at)
        at += 4
        if at + size > len(blob):
            raise ValueError("cut off")
        found.append(blob[at : at + size])
        at += size
    if at != len(blob):
        raise ValueError("more than that")
    return found
