"""token → Identity, with an issuer in memory."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from identity import Identity, TokenRefused, Verifier, people_issuer
from identity.errors import (
    KeysUnavailable,
    TokenAlgorithm,
    TokenAudience,
    TokenClaims,
    TokenExpired,
    TokenIssuer,
    TokenMissing,
    TokenSignature,
)
from identity.keys import REFRESH_US
from identity.keyset import KeySet
from runtime.clock import FixedClock
from runtime.settings import Issuer, People
from tests.kit.tokens import ISSUER, claims, header, published, settings, sign, signing_key, token


class House:
    """A verifier, its clock, and what the issuer publishes."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.keys = [signing_key(), signing_key("RS256")]
        self.down = False
        self.asked = 0
        other = settings(issuer="https://other.example", audiences=["elsewhere"], algorithms=["RS256"])
        self.verifier = Verifier([settings(), other], self.clock, fetch=self.fetch)

    async def fetch(self, http: httpx.AsyncClient, issuer: Issuer) -> KeySet:
        self.asked += 1
        if self.down:
            raise KeysUnavailable("down")
        return published(*self.keys, algorithms=issuer.algorithms)

    async def verify(self, text: str) -> Identity:
        return await self.verifier.verify(text)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    async with house.verifier:
        yield house


async def test_a_good_token(house: House) -> None:
    for key in house.keys:
        assert (await house.verify(token(key))).subject == "research-agent"


async def test_each_issuer_has_its_own_rules(house: House) -> None:
    good = token(signing_key("RS256"), iss="https://other.example", aud="elsewhere")
    assert (await house.verify(good)).issuer == "https://other.example"
    with pytest.raises(TokenAudience):
        await house.verify(token(signing_key("RS256"), iss="https://other.example"))
    with pytest.raises(TokenAlgorithm):
        await house.verify(token(iss="https://other.example", aud="elsewhere"))


async def test_a_token_for_two_doors_opens_neither() -> None:
    async def fetch(http: httpx.AsyncClient, issuer: Issuer) -> KeySet:
        return published(signing_key())

    async with Verifier([settings()], FixedClock(), foreign=["exeat-people"], fetch=fetch) as verifier:
        await verifier.verify(token(aud=["exeat", "other"]))
        with pytest.raises(TokenAudience):
            await verifier.verify(token(aud=["exeat", "exeat-people"]))


async def test_an_issuer_may_be_held_to_one_type_of_token() -> None:
    async def fetch(http: httpx.AsyncClient, issuer: Issuer) -> KeySet:
        return published(signing_key())

    async with Verifier([settings(types=["at+jwt"])], FixedClock(), fetch=fetch) as verifier:
        await verifier.verify(token())
        for typ in ("JWT", None):
            with pytest.raises(TokenClaims):
                await verifier.verify(token(head={"typ": typ}))


@pytest.mark.parametrize("issuer", ["https://evil.example", f"{ISSUER}/", ISSUER.upper(), f"{ISSUER} ", ""])
async def test_other_spellings_of_an_issuer_are_other_issuers(house: House, issuer: str) -> None:
    with pytest.raises(TokenIssuer):
        await house.verify(token(iss=issuer))
    assert house.asked == 0


async def test_no_token(house: House) -> None:
    with pytest.raises(TokenMissing):
        await house.verify("")


async def test_a_token_is_verified_once_and_dies_in_time(house: House) -> None:
    text = token()
    first = await house.verify(text)
    assert await house.verify(text) is first
    house.clock.advance(629_000_000)
    assert await house.verify(text) is first
    house.clock.advance(1_000_000)
    with pytest.raises(TokenExpired):
        await house.verify(text)


async def test_a_remembered_token_dies_with_its_key(house: House) -> None:
    text = token(exp=1_700_009_000)
    await house.verify(text)
    house.keys = [signing_key("RS256")]
    house.clock.advance(REFRESH_US + 1)
    await house.verify(text)  # starts the refresh
    for _ in range(5):
        await asyncio.sleep(0)
    with pytest.raises(TokenSignature):
        await house.verify(text)


async def test_a_changed_token_is_not_the_remembered_one(house: House) -> None:
    good = token()
    await house.verify(good)
    head, _, signature = good.split(".")
    forged = token(sub="ceo").split(".")[1]
    with pytest.raises(TokenSignature):
        await house.verify(f"{head}.{forged}.{signature}")


async def test_without_keys_it_is_our_fault(house: House) -> None:
    house.down = True
    with pytest.raises(KeysUnavailable):
        await house.verify(token())


async def test_memory_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("identity.verifier.REMEMBERED", 3)
    texts = [token(jti=f"j-{number}") for number in range(5)]
    for text in texts:
        await house.verify(text)
    assert len(house.verifier._remembered) == 3
    for text in texts:
        await house.verify(text)


async def test_a_refused_token_is_not_remembered(house: House) -> None:
    text = sign(header(signing_key()), claims(), signing_key("ES256", "another"))
    for _ in range(2):
        with pytest.raises(TokenSignature):
            await house.verify(text)


async def test_text_that_no_header_could_hold(house: House) -> None:
    with pytest.raises(TokenRefused):
        await house.verify("\ud800.a.b")


def test_people_are_an_issuer_of_their_own() -> None:
    assert people_issuer(People()) is None
    found = people_issuer(People(issuer=ISSUER, groups_claim="roles"))
    assert found is not None
    assert (found.audiences, found.claims.groups) == (["exeat-people"], "roles")
