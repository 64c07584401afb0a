"""Tell addresses of the internet from those of the own machine and network."""

import ipaddress
import socket
from typing import Final, TypeAlias

import anyio

from dashscope_aa.errors import NotSentError, SourceError

__all__ = ["is_public", "public_address"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_HINT: Final = "If that is meant, pass allow_private=True."


async def public_address(host: str, port: int) -> str:
    """Resolve a name, and give the address to connect to, once all of them are seen to be public.

    Connecting to this very address, and not to the name again, leaves no time for the name to
    change its mind.

    Raises:
        SourceError: the name leads to the own machine or network.
        NotSentError: the name leads nowhere.
    """
    addresses = [host] if _is_address(host) else await _resolved(host, port)
    for address in addresses:
        if not is_public(address):
            led = address if address == host else f"{host} leads to {address}, which"
            msg = f"{led} is not on the public internet"
            raise SourceError(msg, hint=_HINT)
    return addresses[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _resolved(host: str, port: int) -> list[str]:
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        msg = f"{host}: no such host ({error.strerror or error})"
        raise NotSentError(msg) from error
    return [str(entry[4][0]) for entry in found]


def is_public(address: str) -> bool:
    """True for an address that anyone on the internet may mean by it."""
    return all(
        one.is_global and not one.is_multicast and not one.is_reserved
        for one in _meant(ipaddress.ip_address(address.partition("%")[0]))
    )


def _meant(address: Address) -> list[Address]:
    """Give the address, and the IPv4 address it wraps, if it wraps one."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if (mapped := address.ipv4_mapped) is not None:
        return [mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    wrapped = [address.sixtofour, *(address.teredo or ())]
    return [address, *(one for one in wrapped if one is not None)]
