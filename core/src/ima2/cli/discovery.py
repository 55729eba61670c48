"""Find a running server.

``--server`` stands alone. Else, in this order: ``IMA2_SERVER``, then what ``server.json`` advertises (``backend.url``,
``url``, ``http://localhost:<port>``); the first that answers ``/api/health``. One that nobody named must be the process
that wrote ``server.json``. Nobody is asked at a port that is merely usual: pictures would go to a stranger's gallery.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from ima2.cli.failure import UsageProblem
from ima2.cli.terminal import warn
from ima2.errors import ServerUnreachable
from ima2.settings.paths import Paths

PROBE_SECONDS = 0.6
PROBE_NAMED_SECONDS = 5.0
"""A server that the user named may be far away."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers. ``token`` is only set for one that the user named."""

    url: str
    health: Mapping[str, Any]
    token: str | None = None


async def find_server(named: str | None, env: Mapping[str, str] = os.environ) -> Server | None:
    """The server to use; None when there is none.

    :raises ServerUnreachable: the one named by ``--server`` does not answer.
    :raises UsageProblem: ``SERVER_URL_INVALID``.
    """
    advertised = _read(Paths.from_env(env))
    chosen = env.get("IMA2_SERVER")
    if not (named or chosen or advertised):
        return None  # Nobody to ask; a client that trusts certificates takes long to make.
    # Loopback traffic has no business with a proxy, and a token even less.
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as client:
        if named:
            return await _named(client, named, env)
        if chosen:
            try:
                return await _named(client, chosen, env)
            except ServerUnreachable:
                warn(f"IMA2_SERVER ({chosen}) does not answer; going on without it.")
        return await _advertised(client, advertised)


def checked_url(text: str) -> str:
    """A base address without a slash at its end. Raises ``SERVER_URL_INVALID``."""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or parts.username or parts.password or parts.query or parts.fragment:
        raise UsageProblem(
            f"{text} is no address of a server.", code="SERVER_URL_INVALID", hint="--server http://127.0.0.1:3333"
        )
    return text.rstrip("/")


async def _named(client: httpx.AsyncClient, text: str, env: Mapping[str, str]) -> Server:
    url, token = checked_url(text), env.get("IMA2_LAN_TOKEN") or None
    health = await _probe(client, url, token, PROBE_NAMED_SECONDS)
    if health is None:
        raise ServerUnreachable(f"No ima2 server answers at {url}.", hint="ima2 serve")
    return Server(url, health, token)


async def _advertised(client: httpx.AsyncClient, advertised: Mapping[str, Any]) -> Server | None:
    for url in dict.fromkeys(_candidates(advertised)):
        health = await _probe(client, url, None, PROBE_SECONDS)
        if health and "pid" in health and health["pid"] == advertised.get("pid"):
            return Server(url, health)
    return None


def _candidates(advertised: Mapping[str, Any]) -> Iterator[str]:
    backend = advertised.get("backend")
    for url in (backend.get("url") if isinstance(backend, dict) else None, advertised.get("url")):
        if isinstance(url, str) and url.startswith("http://"):
            yield url.rstrip("/")
    if isinstance(port := advertised.get("port"), int):
        yield f"http://localhost:{port}"


def _read(paths: Paths) -> Mapping[str, Any]:
    try:
        content = json.loads(paths.server_file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


async def _probe(client: httpx.AsyncClient, url: str, token: str | None, seconds: float) -> Mapping[str, Any] | None:
    headers = {"x-ima2-token": token} if token else {}
    try:
        response = await client.get(f"{url}/api/health", headers=headers, timeout=seconds)
        health = response.json() if response.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    return health if isinstance(health, dict) and health.get("ok") is True else None
