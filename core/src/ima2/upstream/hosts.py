"""Names and addresses of this machine, as a ``Host`` header or a setting spells them. Nothing is resolved here."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_AUTHORITY = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Authority:
    """A ``Host`` header taken apart: lower-case ``name`` without brackets, ``port`` or None."""

    name: str
    port: int | None


def parse_host(value: str) -> Authority | None:
    """None when the header is not exactly ``name``, ``name:port``, ``[v6]`` or ``[v6]:port``."""
    match = _AUTHORITY.fullmatch(value)
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        return None
    return Authority(match["name"].strip("[]").lower(), port)


def is_loopback(name: str) -> bool:
    """Whether binding, or asking for, ``name`` stays on this machine. A name with a dot after it does not count."""
    if name == "localhost":
        return True
    address = literal_address(name)
    return address is not None and address.is_loopback


def literal_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """A literal address in its one usual spelling: ``127.1`` and mapped IPv4 are refused."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    return None if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address
