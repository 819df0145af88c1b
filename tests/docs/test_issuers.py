"""docs/issuers.md says what each issuer's token becomes; here it must."""

import json
import re
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from identity.claims import identify
from runtime.settings import Issuer, Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "issuers.md").read_text("utf-8")
NOW = 1_700_000_000
SECTIONS = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(("name", "text"), SECTIONS, ids=[name for name, _ in SECTIONS])
def test_an_issuer(name: str, text: str) -> None:
    (toml,) = blocks(text, "toml")
    says, becomes = (json.loads(block) for block in blocks(text, "json"))
    (issuer,) = Settings.model_validate(tomllib.loads(toml)).issuers
    assert isinstance(issuer, Issuer)
    claims: dict[str, Any] = {"iss": issuer.issuer, "iat": NOW, "exp": NOW + 600, **says}
    found = json.loads(json.dumps(asdict(identify(claims, issuer, NOW))))
    assert {key: found[key] for key in becomes} == becomes
    assert found["issuer"] == issuer.issuer


def test_the_page_names_them_all() -> None:
    names = {name for name, _ in SECTIONS}
    assert {"Microsoft Entra ID", "Keycloak", "Okta", "Auth0", "GitHub Actions"} <= names
