"""Which addresses of the network are plainly public. Everything else may be a way into somebody's own network."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# What Python calls global, and still is no host of the public internet: relays, multicast, a cloud's own services.
_NOT_FOR_US_4 = tuple(
    IPv4Network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "168.63.129.16/32")
)
_UNICAST_6 = IPv6Network("2000::/3")
# Special purposes, documentation, and the tunnels that carry an IPv4 address inside: Teredo, 6to4.
_NOT_FOR_US_6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# Where a network has no IPv4, its name servers wrap public IPv4 addresses into this (RFC 6052).
_WRAPPED_4 = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether the address belongs to a host of the public internet. What is no address does not."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return _is_public_4(address) if isinstance(address, IPv4Address) else _is_public_6(address)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _NOT_FOR_US_4)


def _is_public_6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address in _WRAPPED_4:
        return _is_public_4(IPv4Address(int(address) & 0xFFFF_FFFF))
    # So nothing remains of loopback, link-local, unique local, and IPv4 that is mapped, compatible or translated.
    return address in _UNICAST_6 and not any(address in network for network in _NOT_FOR_US_6)
