"""Who may ask the store, and the files that hold their passwords (0600, made at first start)."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from runtime.fileio import atomic_write, private_dir


class Account(StrEnum):
    """The four users; on a real server `deploy/clickhouse/` makes the same ones with GRANT statements."""

    WRITER = "exeat_writer"  # the shipper: INSERT and SELECT
    AUDITOR = "exeat_auditor"  # people and reports: SELECT
    MIGRATOR = "exeat_migrator"  # `exeat audit migrate`: CREATE, ADD COLUMN
    PRUNER = "exeat_pruner"  # `exeat audit prune`: DROP PARTITION


def password_file(state_dir: Path, account: Account) -> Path:
    return state_dir / "keys" / f"clickhouse-{account.value.removeprefix('exeat_')}"


def ensure_password(state_dir: Path, account: Account) -> str:
    """The account's password; made at random (256 bits) when there is no file yet."""
    file = password_file(state_dir, account)
    if not file.exists():
        private_dir(file.parent)
        atomic_write(file, secrets.token_urlsafe(32).encode() + b"\n")
    return file.read_text("utf-8").strip()


@dataclass(frozen=True, slots=True)
class Accounts:
    """Digests only: the process that runs other people's SQL keeps no password in memory."""

    digests: tuple[tuple[Account, bytes], ...]

    @classmethod
    def load(cls, state_dir: Path) -> "Accounts":
        return cls(tuple((account, _digest(ensure_password(state_dir, account))) for account in Account))

    def check(self, user: str, password: str) -> Account | None:
        """The account, or None for a wrong name or password; takes the same time either way."""
        given, found = _digest(password), None
        for account, digest in self.digests:
            if hmac.compare_digest(given, digest) & hmac.compare_digest(user.encode(), account.value.encode()):
                found = account
        return found


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()
