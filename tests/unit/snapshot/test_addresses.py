"""Where upstreams may lead."""

import pytest

from snapshot import addresses
from snapshot.located import RepositoryRefused
from snapshot.ranges import forbidden
from tests.kit.envoy import connections


@pytest.mark.parametrize("address", ["160.79.104.10", "2606:4700::6812:1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert forbidden(address, private=False) == ""


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "127.9.9.9", "100.64.0.1", "198.18.0.1",
        "::1", "fd12::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "192.0.2.1", "240.0.0.1",
    ],
)  # fmt: skip
def test_private_addresses_must_be_meant(address: str) -> None:
    assert "addresses: private" in forbidden(address, private=False)
    assert forbidden(address, private=True) == ""


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "100.100.100.200",
        "fd00:ec2::254", "192.0.0.192", "168.63.129.16", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
    ],
)  # fmt: skip
def test_metadata_services_and_nobodies_are_never_let_to(address: str) -> None:
    for private in (False, True):
        assert forbidden(address, private)


async def test_one_bad_address_among_good_ones_is_enough() -> None:
    known = connections(
        "a: {kind: http, upstream: 'https://a.example'}\n"
        "b: {kind: http, upstream: 'https://b.example', addresses: private}\n"
        "c: {kind: http, upstream: 'https://c.example'}\n"
        "d: {kind: http, upstream: 'http://127.0.0.1:1'}\n"
    )
    told = {
        "a.example": ["8.8.8.8", "10.0.0.1"],
        "b.example": ["10.0.0.1"],
        "c.example": [],
        "127.0.0.1": ["127.0.0.1"],
    }

    async def resolve(host: str) -> list[str]:
        return told[host]

    found = await addresses.refused(known.values(), resolve)
    assert set(found) == {"a"}
    assert "a.example leads to 10.0.0.1" in found["a"]


async def test_a_name_of_this_machine_is_looked_up_and_found_private() -> None:
    assert "127.0.0.1" in await addresses.resolve("localhost")
    assert await addresses.resolve("no-such-host.invalid") == []


def test_addresses_written_into_the_repository() -> None:
    with pytest.raises(RepositoryRefused, match=r"connections.yaml:1: .*addresses: private"):
        connections("a: {kind: http, upstream: 'https://10.0.0.1'}")
    assert connections("a: {kind: http, upstream: 'https://10.0.0.1', addresses: private}")["a"].private
    with pytest.raises(RepositoryRefused):
        connections("a: {kind: http, upstream: 'https://169.254.169.254', addresses: private}")
    with pytest.raises(RepositoryRefused):
        connections("a: {kind: http, upstream: 'https://100.100.100.200', addresses: private}")
