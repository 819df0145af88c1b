"""Floods of strangers against the real Envoy: what they are told, and that they take nothing from anybody else."""

from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.component.test_envoy_replies import gateway
from tests.kit import stubs

pytestmark = pytest.mark.envoy
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA"
RATE = 5
ASKED, TURNED_AWAY = 403, 429  # the first is the stub of authz speaking


class House:
    def __init__(self, client: httpx.Client, authz: stubs.Authz) -> None:
        self.client, self.authz = client, authz

    def ask(self, times: int, headers: dict[str, str]) -> Counter[int]:
        return Counter(self.client.get("/plain/x", headers=headers).status_code for _ in range(times))


@pytest.fixture
def house() -> Iterator[House]:
    authz = stubs.Authz(stubs.deny)
    rates = {"strangers_per_second": RATE, "address_per_second": 60, "requests_per_second": 1000}
    with gateway(authz, stubs.Extproc(), gateway=rates) as (client, _, _):
        yield House(client, authz)


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer opaque"}, {"x-api-key": "sk-ant-1"},
        {"authorization": "", "x-api-key": ""}, {"cookie": f"token={JWT}"},
    ],
)  # fmt: skip
def test_requests_without_a_token_are_few_before_authz(house: House, headers: dict[str, str]) -> None:
    seen = house.ask(60, headers)
    assert set(seen) == {ASKED, TURNED_AWAY}
    assert 2 * RATE <= seen[ASKED] < 40
    assert len(house.authz.seen) == seen[ASKED]
    refused = house.client.get("/anthropic/v1/messages", headers=headers)
    assert refused.status_code == TURNED_AWAY
    assert refused.json()["error"]["message"]


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {JWT}"}, {"authorization": f"bearer  {JWT}"}, {"x-api-key": JWT}],
)
def test_they_take_nothing_from_who_has_one(house: House, headers: dict[str, str]) -> None:
    assert house.ask(200, {})[TURNED_AWAY] > 100
    assert house.ask(60, headers) == {ASKED: 60}


def test_one_address_has_its_share(house: House) -> None:
    seen = house.ask(500, {"authorization": f"Bearer {JWT}"})
    assert set(seen) == {ASKED, TURNED_AWAY}
    assert 120 <= seen[ASKED] < 450
