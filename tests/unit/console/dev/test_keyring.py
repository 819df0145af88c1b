"""Keys are made once, kept, published and rotated."""

import json
from pathlib import Path

import jwt
import pytest

from console.dev.keyring import KeyRing, make_key


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_what_is_signed_verifies_with_what_is_published(algorithm: str) -> None:
    keys = KeyRing(algorithm=algorithm)
    token = keys.sign({"sub": "a"}, {"extra": "b"})
    (public,) = keys.jwks()["keys"]
    header = jwt.get_unverified_header(token)
    assert (header["kid"], header["alg"], header["extra"]) == (public["kid"], algorithm, "b")
    assert jwt.decode(token, jwt.PyJWK(public), [algorithm]) == {"sub": "a"}
    assert not {"d", "p", "q", "k"} & set(public), "public parts alone"


def test_rotation_signs_with_the_new_and_publishes_what_it_keeps() -> None:
    keys = KeyRing(algorithm="ES256")
    (old,) = keys.jwks()["keys"]
    kid = keys.rotate("ES256")
    assert [key["kid"] for key in keys.jwks()["keys"]] == [kid, old["kid"]]
    kid = keys.rotate("RS256", keep=False)
    assert [(key["kid"], key["alg"]) for key in keys.jwks()["keys"]] == [(kid, "RS256")]


def test_keys_outlive_the_process(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path, "ES256")
    keys.rotate("RS256")
    assert KeyRing(tmp_path).jwks() == keys.jwks()
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_other_algorithms_and_foreign_keys(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not HS256"):
        make_key("HS256")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "keys.json").write_text(json.dumps([{"algorithm": "EdDSA", "pem": pem}]))
    with pytest.raises(ValueError, match="another kind"):
        KeyRing(tmp_path)
