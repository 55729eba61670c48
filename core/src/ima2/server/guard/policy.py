"""What the guard goes by, read once from the settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ima2.errors import InvalidRequest
from ima2.settings.core import BODY_LIMIT, LAN_TOKEN, PUBLIC_ORIGINS
from ima2.settings.values import SettingsView
from ima2.upstream.hosts import is_loopback, parse_host

_SIZE = re.compile(r"(?P<number>[0-9]{1,12})\s*(?P<unit>|b|kb|mb|gb)", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Policy:
    """The guard's rules.

    :ivar bind_host: the address the server listens on.
    :ivar public_origins: further origins as browsers write them (``https://studio.example``).
    :ivar token: what every request must show when the server is not on loopback; None on loopback.
    :ivar body_limit: bytes of a request body after decompression.
    :ivar body_idle: seconds a body may stand still.
    :ivar enabled: False only for the tests that show what would happen without a guard.
    """

    bind_host: str = "127.0.0.1"
    public_origins: frozenset[str] = frozenset()
    token: str | None = None
    body_limit: int = 50 << 20
    body_idle: float = 20.0
    enabled: bool = True

    @property
    def public_hosts(self) -> frozenset[str]:
        """The ``Host`` headers that go with the public origins."""
        return frozenset(origin.partition("://")[2] for origin in self.public_origins)


def policy_from(view: SettingsView, bind_host: str) -> Policy:
    """The policy for an address to bind.

    :raises InvalidRequest: ``LAN_TOKEN_REQUIRED`` for an address other machines reach without a token;
        ``INVALID_SETTING`` for an origin or a size that can't be read.
    """
    token = None if is_loopback(bind_host.strip("[]").lower()) else view.resolve(LAN_TOKEN).value
    if token is None and not is_loopback(bind_host.strip("[]").lower()):
        raise InvalidRequest(
            f"{bind_host} can be reached by other machines, and no token is set. The server was not started.",
            code="LAN_TOKEN_REQUIRED",
            hint="IMA2_LAN_TOKEN=<a long random text> ima2 serve, or leave IMA2_HOST at 127.0.0.1",
        )
    return Policy(
        bind_host=bind_host,
        public_origins=frozenset(map(origin_of, _listed(str(view.resolve(PUBLIC_ORIGINS).value or "")))),
        token=token,
        body_limit=parse_size(str(view.resolve(BODY_LIMIT).value)),
    )


def origin_of(text: str) -> str:
    """``scheme://host[:port]`` in the spelling of browsers: lower case, without the scheme's own port.

    :raises InvalidRequest: ``INVALID_SETTING``; wildcards, paths and ``null`` are no origins.
    """
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        host, port = parse_host(parts.netloc), parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in _DEFAULT_PORTS or parts.path or parts.query or parts.fragment:
        raise InvalidRequest(
            f"{text[:80]!r} is no origin such as https://studio.example.",
            code="INVALID_SETTING",
            field="public_origins",
        )
    name = f"[{host.name}]" if ":" in host.name else host.name
    return f"{parts.scheme}://{name}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")


def parse_size(text: str) -> int:
    """Bytes of ``50mb``, ``512 kb`` or ``1000``; a megabyte is 2**20 bytes.

    :raises InvalidRequest: ``INVALID_SETTING``.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InvalidRequest(f"{text[:40]!r} is no size such as 50mb.", code="INVALID_SETTING", field="body_limit")
    return int(match["number"]) * _UNITS[match["unit"].lower()]


def _listed(text: str) -> list[str]:
    return [part for part in text.split(",") if part.strip()]
