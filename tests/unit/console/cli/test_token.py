"""Which issuer is asked when nobody says."""

import pytest

from console.cli.token import HowUnsaid, agents_issuer, people_issuer
from runtime.settings import Settings


def settings(*issuers: str, people: str | None = None) -> Settings:
    return Settings.model_validate({"issuers": [{"issuer": each} for each in issuers], "people": {"issuer": people}})


def test_the_only_one() -> None:
    assert agents_issuer(settings("https://a")) == "https://a"
    assert people_issuer(settings(people="https://p")) == "https://p"


@pytest.mark.parametrize("issuers", [(), ("https://a", "https://b")])
def test_none_or_several(issuers: tuple[str, ...]) -> None:
    with pytest.raises(HowUnsaid, match="--issuer"):
        agents_issuer(settings(*issuers))
    with pytest.raises(HowUnsaid, match=r"people\.issuer"):
        people_issuer(settings(*issuers))
