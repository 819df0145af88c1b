"""Signed repositories: whose signature counts, and of what."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from snapshot import signature
from snapshot.located import RepositoryRefused
from snapshot.repository import Repository, read, stamp

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
SIGNERS = [signature.public_line(OTHER) + " old", signature.public_line(KEY) + " policy@bank.example"]
FILES = Repository({"data/a.yaml": b"a: 1\n", "exeat/a.rego": b"package exeat\n"})


def put(folder: Path, text: str) -> Path:
    (folder / signature.FILE).write_text(text)
    return folder


def refused(folder: Path, revision: Repository = FILES, signers: list[str] = SIGNERS) -> str:
    with pytest.raises(RepositoryRefused) as caught:
        signature.check(folder, revision, signers)
    assert caught.value.message.startswith("policy.sig: ")
    return caught.value.message


def test_a_signature_of_a_signer_over_these_files(tmp_path: Path) -> None:
    found = signature.check(put(tmp_path, signature.sign(FILES, KEY)), FILES, SIGNERS)
    assert found == signature.fingerprint(signature.key_of(SIGNERS[1]))
    assert found.startswith("SHA256:")


def test_nobody_needs_to_sign_where_nobody_is_named(tmp_path: Path) -> None:
    assert signature.check(tmp_path, FILES, []) == ""


def test_what_is_refused(tmp_path: Path) -> None:
    assert "is not signed" in refused(tmp_path)
    put(tmp_path, signature.sign(FILES, KEY))
    changed = Repository({**FILES.files, "data/a.yaml": b"a: 2\n"})
    assert "changed after it was made" in refused(tmp_path, changed)
    more = Repository({**FILES.files, "exeat/b.rego": b""})
    assert "changed after it was made" in refused(tmp_path, more)
    renamed = Repository({"data/b.yaml": b"a: 1\n", "exeat/a.rego": b"package exeat\n"})
    assert "changed after it was made" in refused(tmp_path, renamed)
    assert "not among policy.signers" in refused(tmp_path, signers=[signature.public_line(OTHER)])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "nonsense", "not an SSH signature"),
        (lambda text: text.replace("BEGIN SSH", "BEGIN PGP"), "not an SSH signature"),
        (lambda text: text[:80] + "\n" + signature.END, "cut off or damaged"),
        (lambda text: text.replace("U1NIU0lH", "U1NIU0lI"), "version 1"),
        (lambda text: text + "x" * 9000, "not an SSH signature"),
    ],
)
def test_what_is_no_signature_is_refused(tmp_path: Path, change: object, words: str) -> None:
    assert callable(change)
    assert words in refused(put(tmp_path, change(signature.sign(FILES, KEY))))


def test_every_bit_of_a_signature_counts(tmp_path: Path) -> None:
    lines = signature.sign(FILES, KEY).split("\n")
    blob = bytearray(base64.b64decode("".join(lines[1:-2])))
    for at in range(0, len(blob), 7):
        blob[at] ^= 1
        refused(put(tmp_path, "\n".join([lines[0], base64.b64encode(blob).decode(), lines[-2]])))
        blob[at] ^= 1


def test_a_signature_for_another_purpose_does_not_count(tmp_path: Path) -> None:
    assert "namespace exeat-policy" in refused(put(tmp_path, signature.sign(FILES, KEY, b"git")))


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-rsa AAAA", "ssh-ed25519 !!!!", "ssh-ed25519 AAAA"])
def test_a_signer_is_an_ed25519_key(line: str) -> None:
    with pytest.raises(ValueError, match=r"ssh-ed25519|base64|padding|digit"):
        signature.key_of(line)


def test_a_new_signature_is_a_new_revision_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "a.rego").write_text("package a")
    before, digest = stamp(tmp_path), read(tmp_path).digest
    put(tmp_path, "x")
    assert stamp(tmp_path) != before
    assert read(tmp_path).digest == digest


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
def test_openssh_signs_and_verifies_the_same(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    key.chmod(0o600)
    (tmp_path / "list").write_bytes(FILES.listing)
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "exeat-policy", tmp_path / "list"], check=True)
    (tmp_path / "list.sig").rename(tmp_path / signature.FILE)
    assert signature.check(tmp_path, FILES, SIGNERS)
    (tmp_path / "ours.sig").write_text(signature.sign(FILES, KEY))
    (tmp_path / "allowed").write_text(f"policy {signature.public_line(KEY)}\n")
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "policy", "-n", "exeat-policy", "-s", "ours.sig"]
    subprocess.run(command, cwd=tmp_path, input=FILES.listing, check=True, capture_output=True)
