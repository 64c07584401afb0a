"""Which addresses are the internet's, and which lead into the own network."""

import anyio
import pytest

from dashscope_aa.errors import NotSentError, SourceError
from dashscope_aa.media._opening import addresses
from dashscope_aa.media._opening.addresses import is_public, public_address

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("8.8.8.8", id="IPv4"),
        pytest.param("2001:4860:4860::8888", id="IPv6"),
        pytest.param("64:ff9b::808:808", id="IPv4 behind NAT64"),
        pytest.param("::ffff:8.8.8.8", id="IPv4 written as IPv6"),
    ],
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="this machine"),
        pytest.param("::1", id="this machine by IPv6"),
        pytest.param("0.0.0.0", id="any address"),  # noqa: S104 - refused, not bound
        pytest.param("10.1.2.3", id="private, class A"),
        pytest.param("172.16.0.1", id="private, class B"),
        pytest.param("192.168.1.1", id="private, class C"),
        pytest.param("100.64.0.1", id="behind a carrier"),
        pytest.param("169.254.169.254", id="metadata of a cloud machine"),
        pytest.param("100.100.100.200", id="metadata of an Alibaba Cloud machine"),
        pytest.param("fe80::1%eth0", id="link-local with its interface"),
        pytest.param("fd00::1", id="private IPv6"),
        pytest.param("224.0.0.1", id="multicast"),
        pytest.param("ff02::1", id="multicast IPv6"),
        pytest.param("240.0.0.1", id="reserved"),
        pytest.param("::ffff:127.0.0.1", id="this machine written as IPv6"),
        pytest.param("64:ff9b::7f00:1", id="this machine behind NAT64"),
        pytest.param("2002:7f00:1::", id="this machine in 6to4"),
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("127.0.0.1", id="an address"),
        pytest.param("localhost", id="a name"),
    ],
)
async def test_a_name_that_leads_home_is_refused(host: str) -> None:
    with pytest.raises(SourceError, match="not on the public internet") as caught:
        await public_address(host, 80)
    assert "allow_private=True" in caught.value.hint


async def test_an_address_is_its_own_name() -> None:
    assert await public_address("8.8.8.8", 443) == "8.8.8.8"


async def test_one_private_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "10.0.0.1"]

    monkeypatch.setattr(addresses, "_resolved", resolved)
    with pytest.raises(SourceError, match=r"10\.0\.0\.1"):
        await public_address("rebound.example", 80)


async def test_a_name_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*_: object, **__: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(anyio, "getaddrinfo", getaddrinfo)
    with pytest.raises(NotSentError, match="no such host"):
        await public_address("nowhere.example", 80)
