"""Which addresses an upstream may have. Pure."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# of Alibaba Cloud, AWS (IPv6), Oracle Cloud and Azure, outside of the link-local range
METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254", "192.0.0.192", "168.63.129.16")))
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def forbidden(text: str, private: bool) -> str:
    """Why this address is not let to, "" if it is."""
    address = _inner(ipaddress.ip_address(text))
    if address.is_link_local or address in METADATA:
        return f"{text}, where machine credentials are served; that is never let to"
    if address.is_unspecified or address.is_multicast:
        return f"{text}, which is nobody's address"
    if not address.is_global and not private:
        return f"{text}, which is not a public address; if that is meant, say `addresses: private`"
    return ""


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (RFC 4291 §2.5.5.2, RFC 6052)."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
