"""Which ``Host`` headers are ours.

A page that rebinds its own name to 127.0.0.1 still sends that name. So names are listed, and only literal addresses
of this machine pass unlisted. Nothing is resolved here, and no pattern is used where a set will do.
"""

from __future__ import annotations

from ima2.upstream.hosts import is_loopback, literal_address, parse_host

_WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not bound


def allows(bind_host: str, public_hosts: frozenset[str], value: str) -> bool:
    """Whether a request with this ``Host`` may pass.

    :param bind_host: what the server binds. When that is a wildcard any literal address passes: a rebinding page can
        only ever send a name.
    :param public_hosts: lower-case ``name`` or ``name:port`` that the user listed.
    """
    host = parse_host(value)
    if host is None:
        return False
    if is_loopback(host.name) or host.name == bind_host.strip("[]").lower():
        return True
    if bind_host in _WILDCARDS and literal_address(host.name) is not None:
        return True
    return value.lower() in public_hosts
