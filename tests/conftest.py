"""Rules for all tests."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """No test may reach the network: a connection to any other machine is an error at once."""
    if event != "socket.connect":
        return
    address = arguments[1]
    host = address[0] if isinstance(address, tuple) else None
    if isinstance(host, str) and not _local(host):
        raise PermissionError(f"a test wanted to connect to {host}; tests reach 127.0.0.1 and nothing else")


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


sys.addaudithook(_stay_on_this_machine)
