"""`exeat policy`: the publisher's words at a terminal."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from console.cli import main
from snapshot import signature
from tests.kit import policies
from tests.kit.policies import changed

STARTER = Path(__file__).resolve().parents[2] / "policies"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return policies.write(tmp_path / "policies")


def exeat(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["policy", *arguments])


def test_a_good_repository_would_be_published(folder: Path) -> None:
    result = exeat("check")
    assert result.exit_code == 0
    assert "policies: 1 modules, 3 tests and cases, 1 connections; it would be published as sha256:" in result.stdout


def test_a_bad_one_says_file_and_line_of_everything(folder: Path) -> None:
    policies.write(
        folder, changed("data/connections.yaml", "https:", "http:") | changed("data/roles.yaml", "groups", "group")
    )
    result = exeat("check")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "policies/data/connections.yaml:1: upstream must be https; plain http is for this machine's loopback addresses",
        "policies/data/roles.yaml:1: role `readers` has an unknown key `group`; known are connections, groups, models",
    ]


def test_check_as_json(folder: Path) -> None:
    policies.write(folder, changed("p.rego", 'subject == "ada"', "subject == someone"))
    result = exeat("check", "--json")
    assert result.exit_code == 1
    (problem,) = json.loads(result.stdout)["problems"]
    assert (problem["file"], problem["line"]) == ("p.rego", 5)


def test_credentials_are_checked_when_there_are_settings(folder: Path) -> None:
    with_key = 'plain: {kind: http, upstream: "https://plain.example", credential: key}\n'
    policies.write(folder, {"data/connections.yaml": with_key})
    assert exeat("check").exit_code == 0
    Path("exeat.toml").write_text('[policy]\npath = "policies"\n')
    result = exeat("check")
    assert result.exit_code == 1
    assert "there is no [secrets.key] in exeat.toml" in result.stderr


def test_signing_and_the_publishers_words_about_it(folder: Path) -> None:
    key = Path("key")
    private = Ed25519PrivateKey.generate()
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    line = signature.public_line(private)
    Path("exeat.toml").write_text(f'[policy]\npath = "policies"\nsigners = ["{line} me"]\n')
    unsigned = exeat("check")
    assert unsigned.exit_code == 1
    assert "policy.sig: the repository is not signed" in unsigned.stderr
    assert exeat("sign", "--key", "key").stdout.strip() == line
    assert f"signed by {signature.fingerprint(signature.key_of(line))}" in exeat("check").stdout
    policies.write(folder, changed("p.rego", 'subject == "ada"', 'subject in {"ada"}'))
    assert "they were changed after it was made" in exeat("check").stderr
    listed = exeat("listing").stdout
    assert listed.splitlines()[0] == "exeat-snapshot-1"
    assert any(entry.endswith("  data/roles.yaml") for entry in listed.splitlines())
    key.write_text("no key")
    assert "not an unencrypted Ed25519 private key" in exeat("sign", "--key", "key").stderr


def test_notes_do_not_refuse(folder: Path) -> None:
    policies.write(folder, {"data/roles.yaml": "readers: {groups: [readers], connections: [soon]}\n"})
    result = exeat("check")
    assert result.exit_code == 0
    assert "note: policies/data/roles.yaml:1: role `readers` names connection `soon`" in result.stderr


def test_tests_are_listed_and_counted(folder: Path) -> None:
    result = exeat("test", "-v")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "ok   data.exeat_test.test_ada",
        "ok   data.exeat_test.test_others",
        "ok   case `ada`",
        "3 of 3 tests and cases are green",
    ]


def test_a_red_test_says_where(folder: Path) -> None:
    policies.write(folder, changed("p.rego", '== "ada"', '== "eve"'))
    result = exeat("test")
    assert result.exit_code == 1
    assert "FAIL policies/p_test.rego:5: data.exeat_test.test_ada fails: undefined" in result.stdout
    assert "1 of 3 tests and cases are green" in result.stdout


def test_trying_shows_the_decision(folder: Path) -> None:
    Path("case.yaml").write_text("description: who is eve\ninput: {identity: {subject: eve}}\n")
    result = exeat("try", "case.yaml")
    assert result.exit_code == 0, result.output
    assert exeat("try", "case.yaml", "--policies", "policies").exit_code == 0
    assert result.stdout.splitlines() == ["who is eve", "  deny", "  by_name: By name.", '  masking: ["pci"]']


def test_trying_compares_with_what_is_wanted(folder: Path) -> None:
    Path("case.yaml").write_text("description: eve\ninput: {identity: {subject: eve}}\nwant: {effect: allow}\n")
    result = exeat("try", "case.yaml")
    assert result.exit_code == 1
    assert "NOT AS WANTED: effect is 'deny', not 'allow'" in result.stdout


def test_coverage_names_the_lines_that_nothing_reaches(folder: Path) -> None:
    policies.write(folder, {"q.rego": "package exeat.more\n\nnever if {\n\tinput.x\n}\n"})
    result = exeat("coverage")
    assert result.exit_code == 0
    assert "  0.0 %  q.rego: lines 3-4" in result.stdout
    assert exeat("coverage", "--fail-under", "99").exit_code == 1
    assert json.loads(exeat("coverage", "--json").stdout)["missed"] == {"p.rego": [], "q.rego": [3, 4]}


def test_no_repository_is_a_sentence(folder: Path) -> None:
    result = exeat("check", "nowhere")
    assert result.exit_code == 1
    assert result.stderr == "nowhere: there is no policy repository\n"


def test_the_starter_is_green_and_fully_covered() -> None:
    assert exeat("check", str(STARTER)).exit_code == 0
    assert exeat("coverage", str(STARTER), "--fail-under", "100").exit_code == 0
