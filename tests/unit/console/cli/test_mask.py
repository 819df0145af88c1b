"""`exeat mask`: the gateway's masking on a file."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.cli import main

TEXT = "Ada, card 4111 1111 1111 1111, SSN 536-22-1234."
SECRETS = ("4111", "536-22")
RULES = ["--rules", "policies/data/masking.yaml"]


def mask(*arguments: str, data: str = TEXT, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["mask", *RULES, *arguments], input=data)
    assert result.exit_code == code, result.output
    return result.output if code else result.stdout


def test_a_filter(tmp_path: Path) -> None:
    assert mask() == "Ada, card [CARD], SSN [US_SSN]."
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"ssn": "536-22-1234", "n": 1.50}))
    assert json.loads(mask(str(path)))["n"] == 1.5


@pytest.mark.parametrize("dialect", ["anthropic", "openai", "responses", "gemini"])
def test_a_stream_ends_as_the_whole(dialect: str) -> None:
    assert mask("--stream-as", dialect) == mask()


def test_json_names_the_findings_and_not_the_values() -> None:
    said = json.loads(mask("--json"))
    assert {finding["rule"] for finding in said["findings"]} == {"card", "us_ssn"}
    assert not any(secret in json.dumps(said) for secret in SECRETS)


OWN = """
profiles:
  floor: [{detect: us_ssn}]
  shown: [{detect: us_ssn, operator: {partial: last4}}, {detect: card, operator: {partial: last4}}]
  ledger: [{detect: card, connection: ledger}]
"""


def test_profiles_stand_on_the_floor_as_in_the_gateway(tmp_path: Path) -> None:
    rules = tmp_path / "masking.yaml"
    rules.write_text(OWN)

    def said(*arguments: str) -> tuple[str, str]:
        result = CliRunner().invoke(main, ["mask", "--rules", str(rules), *arguments], input=TEXT)
        assert result.exit_code == 0, result.output
        return result.stdout, result.stderr

    out, told = said("--profile", "shown")
    assert out == "Ada, card **** **** **** 1111, SSN [US_SSN]."
    assert "profiles: floor, shown" in told
    assert said("--profile", "shown", "--alone")[0] == "Ada, card **** **** **** 1111, SSN ***-**-1234."
    assert "4111 1111" in said("--profile", "ledger")[0]
    assert "[CARD]" in said("--profile", "ledger", "--connection", "ledger")[0]
    assert json.loads(said("--profile", "shown", "--json")[0])["profiles"] == ["floor", "shown"]
    rules.write_text("profiles: {mine: [{detect: card}]}")
    assert said("--profile", "mine")[0] == "Ada, card [CARD], SSN 536-22-1234."


def test_the_gateways_own_secrets_are_masked_by_their_patterns(tmp_path: Path) -> None:
    policies = Path("policies").resolve()
    secret = '[secrets.vendor]\nfile = "/x"\nheader = "x-key"\nhosts = ["v.example"]\npattern = "vk-[0-9]{6}"\n'
    config = tmp_path / "exeat.toml"
    config.write_text(f'{secret}[policy]\npath = "{policies}"\n')
    result = CliRunner().invoke(main, ["--config", str(config), "mask"], input="it said vk-123456!")
    assert (result.exit_code, result.stdout) == (0, "it said [SECRET_VENDOR]!"), result.output


def test_what_a_text_ends_with_is_no_beginning_of_something_else() -> None:
    """A file is whole. Lookalikes at its very end, without a line break, stay as they stay in its middle."""
    texts = ["card 4111111111111112", "order 482019334455", "code 123456", "due 2027-01-01", "use sk-learn"]
    for text in texts:
        assert mask(data=text) == text
        for dialect in ("anthropic", "openai", "responses", "gemini"):
            assert mask("--stream-as", dialect, data=text) == text


def test_bulk_keeps_ids_and_order() -> None:
    lines = [json.dumps({"id": n, "text": text}) for n, text in enumerate([TEXT, "nothing", {"pin": "1234"}])]
    said = [json.loads(line) for line in mask("--bulk", data="\n".join(lines)).splitlines()]
    assert [line["id"] for line in said] == [0, 1, 2]
    assert said[1]["masked"] == "nothing"
    assert "1234" not in said[2]["masked"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["--profile", "nothing-so-called"], "nothing-so-called"), (["--rules", "/nonexistent"], "No such file")],
)
def test_errors_are_sentences(arguments: list[str], says: str) -> None:
    said = (
        mask(*arguments, code=2)
        if "--rules" in arguments
        else CliRunner().invoke(main, ["mask", *RULES, *arguments], input=TEXT).output
    )
    assert says in said
    assert "Traceback" not in said


def test_a_line_that_is_no_json_is_named() -> None:
    assert "line 2" in mask("--bulk", data='"a"\nno\n', code=2)
    assert "line 1 is not JSON, or nested too deeply" in mask("--bulk", data="[" * 200_000, code=2)
    assert "line 2 has no text" in mask("--bulk", data='"a"\n{"id": 1}\n', code=2)
