"""Accounts and their password files."""

from pathlib import Path

from audit.store.accounts import Account, Accounts, ensure_password, password_file


def test_passwords_are_made_once_private_and_different(tmp_path: Path):
    first = {account: ensure_password(tmp_path, account) for account in Account}
    assert first == {account: ensure_password(tmp_path, account) for account in Account}
    assert len(set(first.values())) == len(Account)
    for account in Account:
        assert password_file(tmp_path, account).stat().st_mode & 0o777 == 0o600
    assert password_file(tmp_path, Account.WRITER).name == "clickhouse-writer"
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_only_the_right_password_of_the_right_user(tmp_path: Path):
    accounts = Accounts.load(tmp_path)
    writer, auditor = (ensure_password(tmp_path, account) for account in (Account.WRITER, Account.AUDITOR))
    assert accounts.check("exeat_writer", writer) is Account.WRITER
    assert accounts.check("exeat_auditor", auditor) is Account.AUDITOR
    for user, password in (("exeat_writer", auditor), ("exeat_writer", ""), ("", writer), ("default", ""), ("é", "é")):
        assert accounts.check(user, password) is None


def test_no_password_is_kept_in_memory(tmp_path: Path):
    accounts = Accounts.load(tmp_path)
    assert ensure_password(tmp_path, Account.WRITER) not in repr(accounts)
