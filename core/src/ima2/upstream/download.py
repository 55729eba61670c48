"""Fetching a result from the address a service gave, as if the address were hostile."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpcore
import httpx

from ima2 import __version__
from ima2.errors import StorageFailed, UpstreamError
from ima2.upstream.addresses import CheckedBackend, forbidden, private_addresses

MAX_BYTES = 2 * 2**30
"""More than any picture or clip a service makes (2026-08)."""

_REDIRECTS = 3
_RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
_TIMEOUT = {"connect": 15.0, "read": 60.0, "write": 15.0, "pool": 15.0}


async def download(
    url: str, into: Path, *, base: str, allowed_hosts: Sequence[str] = (), max_bytes: int = MAX_BYTES
) -> Path:
    """Write what ``url`` holds to ``into``, which appears only when it is whole. Downloading again costs nothing.

    No proxy, no cookie and no credential is used, so the shared client is not either. The address is checked when the
    connection is made, and again after each of at most 3 redirects. Only https passes; when ``base`` itself is http on
    a private address (a local stand-in), http does too, and only then may ``url`` lead to that private address.

    :param base: the provider's configured base address.
    :param allowed_hosts: hosts that may serve results, each with its subdomains; empty for any.
    :raises UpstreamError: ``DOWNLOAD_FORBIDDEN_ADDRESS``, ``DOWNLOAD_TOO_LARGE`` or ``DOWNLOAD_FAILED`` (wrong status,
        empty, cut off, unreachable; ``retryable`` says if it may work later).
    :raises StorageFailed: it could not be written.
    """
    base_url = httpx.URL(base)
    private = await private_addresses(base_url.host, _port(base_url))
    schemes = {"https", base_url.scheme} if private else {"https"}
    hosts = {*allowed_hosts, base_url.host} if allowed_hosts else set()
    backend, tls = CheckedBackend(private), httpx.create_ssl_context()
    async with (
        httpcore.AsyncConnectionPool(ssl_context=tls, network_backend=backend) as pool,
        _opened(pool, url, schemes, hosts) as response,
    ):
        return await _save(response, into, max_bytes)


@asynccontextmanager
async def _opened(
    pool: httpcore.AsyncConnectionPool, url: str, schemes: set[str], hosts: set[str]
) -> AsyncIterator[httpcore.Response]:
    """The answer behind the redirects, its status checked, network failures reported."""
    try:
        target = _checked(None, url, schemes, hosts)
        for _ in range(_REDIRECTS + 1):
            async with pool.stream("GET", _raw(target), headers=_headers(target), extensions={"timeout": _TIMEOUT}) as (
                response
            ):
                location = _header(response, b"location") if 300 <= response.status < 400 else ""
                if not location:
                    _check_status(response.status)
                    yield response
                    return
            target = _checked(target, location, schemes, hosts)
        raise _failed(f"it was redirected more than {_REDIRECTS} times")
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise _failed(str(error) or type(error).__name__, retryable=True) from error


async def _save(response: httpcore.Response, into: Path, max_bytes: int) -> Path:
    temporary = into.with_name(f".{into.name}.{secrets.token_hex(6)}.part")
    try:
        await _write(response, temporary, max_bytes)
        temporary.replace(into)
    except OSError as error:
        raise StorageFailed(
            f"The result could not be written: {error.strerror}.", step="download", paid="yes", retryable=True
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return into


async def _write(response: httpcore.Response, path: Path, max_bytes: int) -> None:
    size = 0
    _check_size(int(_header(response, b"content-length") or 0), max_bytes)
    with path.open("xb") as file:
        async for chunk in response.aiter_stream():
            size += len(chunk)
            _check_size(size, max_bytes)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if not size:
        raise _failed("it is empty")


def _checked(before: httpx.URL | None, url: str, schemes: set[str], hosts: set[str]) -> httpx.URL:
    """``url``, which may be relative to the one ``before`` it, if a download may go there at all."""
    try:
        target = before.join(url) if before else httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise forbidden("its address is no URL.") from error
    if target.scheme not in schemes or not target.host:
        raise forbidden(f"a {target.scheme or 'relative'} address is not accepted.")
    if _port(target) > 65535:
        raise forbidden("its address has no such port.")
    if hosts and not any(target.host == host or target.host.endswith(f".{host}") for host in hosts):
        raise forbidden(f"{target.host} is no host of this service.")
    return target


def _check_status(status: int) -> None:
    if status != 200:
        raise _failed(f"the service answered {status}", retryable=status in _RETRYABLE, upstream_status=status)


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise UpstreamError(
            f"The result has more than {max_bytes} bytes.", code="DOWNLOAD_TOO_LARGE", step="download", paid="yes"
        )


def _failed(why: str, *, retryable: bool = False, upstream_status: int | None = None) -> UpstreamError:
    return UpstreamError(
        f"The result could not be fetched: {why}.",
        code="DOWNLOAD_FAILED",
        step="download",
        paid="yes",
        retryable=retryable,
        details={"upstreamStatus": upstream_status} if upstream_status else None,
    )


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


def _headers(target: httpx.URL) -> list[tuple[str, str]]:
    return [
        ("host", target.netloc.decode("ascii")),
        ("user-agent", f"ima2/{__version__} (+python)"),
        ("accept", "*/*"),
        ("accept-encoding", "identity"),
    ]


def _raw(target: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path or b"/"
    )


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
