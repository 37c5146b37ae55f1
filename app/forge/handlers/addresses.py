"""Which network addresses a webhook may reach: public ones, and those the operator allows.

The check is made on the address that is then connected to, never on the name: a name can answer
differently a moment later (DNS rebinding).
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Public by the registry's word or by Python's `is_global`, yet not a place for webhooks.
_NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocol assignments; one cloud's metadata service lives here
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's host agent, reachable from every virtual machine there
    )
)
_GLOBAL_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
# Prefixes whose last 32 bits are an IPv4 address that a gateway or the kernel will connect to.
_EMBEDS_V4 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)


def permitted(address: Address, allowed: tuple[Network, ...]) -> bool:
    """Whether a webhook may connect to this address."""
    embedded = _embedded_v4(address)
    if embedded is not None:
        # Both the way there and the address meant must be all right.
        return _listed(address, allowed) and permitted(embedded, allowed)
    return _public(address) or _listed(address, allowed)


def _public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return (
            address.is_global
            and not address.is_multicast
            and not address.is_reserved
            and not any(address in network for network in _NOT_PUBLIC_V4)
        )
    return (
        address in _GLOBAL_UNICAST_V6
        and address.is_global
        and not any(address in network for network in _NOT_PUBLIC_V6)
    )


def _listed(address: Address, allowed: tuple[Network, ...]) -> bool:
    return any(address in network for network in allowed)


def _embedded_v4(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address) or int(address) < 2**16:
        return None  # `::1` and `::` lie inside `::/96` and embed nothing
    if any(address in network for network in _EMBEDS_V4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
