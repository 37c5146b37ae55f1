"""From a name to the addresses that a webhook may connect to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

import httpx

from forge.errors import PermanentError
from forge.handlers.addresses import Address, Network, permitted

Resolver = Callable[[str, int], Awaitable[list[str]]]


async def system_resolver(host: str, port: int) -> list[str]:
    """The system's own: /etc/hosts, DNS, and number forms of every kind (0x7f.1, 2130706433)."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def usable_addresses(
    resolver: Resolver, host: str, port: int, allowed: tuple[Network, ...]
) -> list[Address]:
    """The permitted addresses of `host`, in the resolver's order; an error where there is none."""
    try:
        addresses = [ipaddress.ip_address(text) for text in await resolver(host, port)]
    except UnicodeError as error:
        raise PermanentError(f"bad payload: {host!r} is no host name: {error}") from None
    except OSError as error:  # a name that does not exist now may exist after the next change
        raise httpx.ConnectError(f"{host!r} cannot be resolved: {error.strerror}") from None
    usable = [address for address in addresses if permitted(address, allowed)]
    if addresses and not usable:
        shown = ", ".join(map(str, addresses[:4]))
        raise PermanentError(
            f"{host!r} is at {shown}, no public address"
            " (FORGE_WEBHOOK_ALLOW_PRIVATE lists the private ones that may be reached)"
        )
    return usable
