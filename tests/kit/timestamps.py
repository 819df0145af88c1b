"""A time-stamping authority: `openssl ts` behind HTTP, with a certificate of its own."""

import contextlib
import datetime
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.kit.serving import free_port, http

CONFIG = """[tsa]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
"""


def openssl() -> str:
    """ "" if this machine has none."""
    return shutil.which("openssl") or ""


@dataclass
class Tsa:
    url: str
    roots: Path
    asked: int = 0


@contextlib.contextmanager
def tsa(folder: Path) -> Iterator[Tsa]:
    _certificates(folder)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    port = free_port()
    made = Tsa(f"http://127.0.0.1:{port}/tsa", folder / "root.pem")

    def answer(query: bytes) -> bytes:
        with tempfile.TemporaryDirectory() as work:
            (Path(work) / "q").write_bytes(query)
            command = [openssl(), "ts", "-reply", "-config", str(folder / "tsa.cnf"), "-section", "tsa"]
            command += ["-queryfile", "q", "-signer", str(folder / "tsa.pem"), "-inkey", str(folder / "tsa.key")]
            subprocess.run([*command, "-out", "r"], cwd=work, check=True, capture_output=True)
            return (Path(work) / "r").read_bytes()

    async def asked(request: Request) -> Response:
        made.asked += 1
        return Response(answer(await request.body()), media_type="application/timestamp-reply")

    with http(Starlette(routes=[Route("/tsa", asked, methods=["POST"])]), port):
        yield made


def _certificates(folder: Path) -> None:
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("root", "tsa")]
    keys = [rsa.generate_private_key(65537, 2048) for _ in names]
    for number, name in enumerate(names):
        builder = (
            x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(keys[number].public_key())
        )
        builder = builder.serial_number(number + 1).not_valid_before(start)
        builder = builder.not_valid_after(start + datetime.timedelta(days=36500))
        builder = builder.add_extension(x509.BasicConstraints(ca=not number, path_length=None), critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(keys[number].public_key())
        builder = builder.add_extension(identifier, critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
        builder = builder.add_extension(issuer, critical=False)
        if number:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        pem = builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        (folder / f"{name.rfc4514_string().removeprefix('CN=')}.pem").write_bytes(pem)
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "tsa.key").write_bytes(keys[1].private_bytes(serialization.Encoding.PEM, *form))
