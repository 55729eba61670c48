"""The one HTTP client, and what its failures mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from ima2 import __version__
from ima2.errors import Paid, UpstreamError, UpstreamTimeout
from ima2.upstream.waiting import retry_after

__all__ = ["make_client", "network_errors", "retry_after"]

_NOTHING_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def make_client(*, user_agent: str | None = None) -> httpx.AsyncClient:
    """A client that says who it is, follows no redirect and takes its proxies from the environment as httpx does.

    Seconds: 15 to connect, 60 for a write, 180 of silence while reading (a picture may take more than a minute
    without a byte). Waiting for a free connection has no limit; whoever waits has a deadline of their own.
    """
    return httpx.AsyncClient(
        headers={"user-agent": user_agent or f"ima2/{__version__} (+python)"},
        follow_redirects=False,
        timeout=httpx.Timeout(connect=15, write=60, read=180, pool=None),
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30),
    )


@contextmanager
def network_errors(step: str, paid: Paid) -> Iterator[None]:
    """Report what httpx raises inside as an ``UpstreamError`` of this ``step``.

    ``paid`` is what is known when the request may have left this machine. When no connection came about it is ``no``
    whatever was given. Only what cost nothing is retryable.

    :raises UpstreamTimeout: the service was connected and silent.
    :raises UpstreamError: ``NETWORK_FAILED``.
    """
    try:
        yield
    except _NOTHING_LEFT as error:
        raise _failed(error, f"Could not connect to {_host(error)}", step, "no") from error
    except httpx.UnsupportedProtocol as error:
        raise UpstreamError(
            "The service's base address must begin with http:// or https://.",
            code="NETWORK_FAILED",
            step=step,
            hint="ima2 config ls --show-origin",
        ) from error
    except httpx.TimeoutException as error:
        raise UpstreamTimeout(
            f"{_host(error)} stayed silent too long.", step=step, paid=paid, retryable=paid == "no"
        ) from error
    except httpx.RequestError as error:
        raise _failed(error, f"The connection to {_host(error)} broke", step, paid) from error


def _failed(error: httpx.RequestError, what: str, step: str, paid: Paid) -> UpstreamError:
    why = str(error) or type(error).__name__
    return UpstreamError(f"{what}: {why}.", code="NETWORK_FAILED", step=step, paid=paid, retryable=paid == "no")


def _host(error: httpx.RequestError) -> str:
    try:
        return error.request.url.host
    except RuntimeError:
        return "the service"
