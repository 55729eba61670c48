"""Which headers cross the bridge, in either direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    }
)
"""They belong to one connection (RFC 9110 §7.6.1)."""

_CLIENTS_OWN = frozenset({"host", "authorization", "x-api-key", "cookie", "referer", "expect", "accept-encoding"})
"""Cookies of 127.0.0.1 are those of every program on this machine."""

_SERVICES_OWN = frozenset({"set-cookie", "strict-transport-security", "alt-svc", "server", "date"})
"""They speak for the service's own name, not for this machine's."""

Pairs = Iterable[tuple[str, str]]


def outgoing(pairs: Pairs, credential: Mapping[str, str]) -> list[tuple[str, str]]:
    """For the request: the client's headers, with the credential's over them.

    The answer is asked for without compression: what it says must be readable when it refuses the credential.
    """
    replaced = {name.lower() for name in credential}
    kept = [pair for pair in _end_to_end(pairs) if pair[0].lower() not in _CLIENTS_OWN | replaced]
    return [*kept, ("accept-encoding", "identity"), *credential.items()]


def incoming(pairs: Pairs) -> list[tuple[str, str]]:
    """For the answer. The service's word on which pages may read it does not hold here."""
    return [
        (name, value)
        for name, value in _end_to_end(pairs)
        if name.lower() not in _SERVICES_OWN and not name.lower().startswith("access-control-")
    ]


def _end_to_end(pairs: Pairs) -> list[tuple[str, str]]:
    listed = [(name, value) for name, value in pairs]
    named = {
        each.strip().lower() for name, value in listed if name.lower() == "connection" for each in value.split(",")
    }
    return [pair for pair in listed if pair[0].lower() not in _HOP | named]
