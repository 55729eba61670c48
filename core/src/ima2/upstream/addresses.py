"""Connecting only to addresses that a download may reach.

The name is resolved once, every address is checked, and the connection goes to the checked address itself: odd
spellings (``2130706433``), redirects and a resolver that changes its answer lead nowhere else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore

from ima2.errors import UpstreamError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses the system connects to for ``host``, in its order.

    :raises OSError: there are none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def is_public(address: Address) -> bool:
    """Whether it is on the open internet, whatever IPv6 form an IPv4 address is wrapped in."""
    if not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    inner = _inner(address)
    return not address.is_site_local and (inner is None or is_public(inner))


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


async def private_addresses(host: str, port: int) -> frozenset[Address]:
    """The addresses of a configured host that are not public; none when it can't be resolved."""
    try:
        return frozenset(address for address in await resolve(host, port) if not is_public(address))
    except OSError:
        return frozenset()


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """httpcore's way to the network, for public addresses and those in ``private``.

    When ``private`` has a loopback address, every loopback address will do.
    """

    def __init__(self, private: Iterable[Address] = (), *, resolve: Resolve = resolve) -> None:
        self._private = frozenset(private)
        self._loopback = any(address.is_loopback for address in self._private)
        self._resolve = resolve
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        """Resolve, check, connect.

        :raises UpstreamError: ``DOWNLOAD_FORBIDDEN_ADDRESS``.
        """
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address") from error
        allowed = [address for address in found if self._allows(address)]
        if not allowed:
            raise forbidden(f"{host} is an address inside this network.")
        return await self._first(allowed, port, args, kwargs)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)

    def _allows(self, address: Address) -> bool:
        return is_public(address) or address in self._private or (self._loopback and address.is_loopback)

    async def _first(self, addresses: list[Address], port: int, args: Any, kwargs: Any) -> httpcore.AsyncNetworkStream:
        """The first that takes the connection."""
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(str(address), port, *args, **kwargs)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(str(addresses[-1]), port, *args, **kwargs)


def forbidden(why: str) -> UpstreamError:
    """The error for a place that a download may not go to."""
    return UpstreamError(
        f"The result was not fetched: {why}", code="DOWNLOAD_FORBIDDEN_ADDRESS", step="download", paid="yes"
    )
