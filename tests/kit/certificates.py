"""A certificate authority for tests: servers by DNS name or address, clients by SPIFFE ID."""

import base64
import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Issued:
    """Files, PEM."""

    certificate: Path
    key: Path

    @property
    def thumbprint(self) -> str:
        """`x5t#S256` (RFC 8705 §3.1)."""
        parsed = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return base64.urlsafe_b64encode(parsed.fingerprint(hashes.SHA256())).rstrip(b"=").decode()


class Authority:
    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        builder = _builder(self._name, self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, file: str, *names: str) -> Issued:
        """`names`: DNS names, addresses, or URIs."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(file), self._name, key.public_key())
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
        issued = Issued(self._folder / f"{file}.crt", self._folder / f"{file}.key")
        signed = builder.sign(self._key, hashes.SHA256())
        issued.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        issued.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
        issued.key.chmod(0o600)
        return issued


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    dated = x509.CertificateBuilder().not_valid_before(NOW).not_valid_after(NOW + 36500 * DAY)
    return dated.subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general(name: str) -> x509.GeneralName:
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
