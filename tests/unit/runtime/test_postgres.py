"""How the shared database is connected to; the rest needs a server: tests/more."""

import subprocess
import sys
from pathlib import Path

import pytest

from runtime import postgres
from runtime.settings import Shared

FAR = Shared(url="postgresql://exeat@db.bank.example/exeat")
NEAR = Shared(url="postgresql://exeat@127.0.0.1:5433/exeat")


def test_tls_with_a_verified_name_but_on_loopback() -> None:
    assert postgres._parameters(FAR)["sslmode"] == "verify-full"
    assert postgres._parameters(FAR)["sslrootcert"] == "system"
    ours = FAR.model_copy(update={"ca": Path("/etc/bank.pem")})
    assert postgres._parameters(ours)["sslrootcert"] == "/etc/bank.pem"
    assert "sslrootcert" not in postgres._parameters(NEAR)
    assert postgres.where(FAR) == "db.bank.example:5432/exeat"


def test_a_password_comes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hush-hush\n")
    assert postgres._parameters(FAR.model_copy(update={"password_file": file}))["password"] == "hush-hush"
    with pytest.raises(postgres.SharedDown, match=r"cannot be read \(FileNotFoundError\)"):
        postgres._parameters(FAR.model_copy(update={"password_file": tmp_path / "none"}))


def test_without_the_extra_the_sentence_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from runtime import postgres; from runtime.settings import Shared\n"
        "try: postgres.connect(Shared(url='postgresql://exeat@127.0.0.1/exeat'), 'test')\n"
        "except postgres.SharedDown as error: print(error.message)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'exeat[postgres]'" in said


def test_who_does_not_answer_is_one_sentence() -> None:
    nobody = Shared(url="postgresql://exeat@127.0.0.1:1/exeat")
    with pytest.raises(postgres.SharedDown, match=r"^PostgreSQL at 127\.0\.0\.1:1/exeat: OperationalError$"):
        postgres.connect(nobody, "test")
