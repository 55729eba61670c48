"""One ``POST`` to xAI, and what may be done when it fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ima2.errors import AuthFailed, UpstreamError, UpstreamTimeout
from ima2.upstream.client import network_errors, retry_after

from ima2_grok.errors import Step, refused
from ima2_grok.session import authorized, base_url

if TYPE_CHECKING:
    import httpx
    from ima2.hookspecs import Context

CONNECT_SECONDS = 15.0
PAUSE = 1.0
"""Seconds before the one repeat, when xAI names none."""
PATIENCE = 10.0
"""Seconds; a longer wait is the user's to decide."""
_MAYBE = "it may have been charged: look at https://console.x.ai before you run it again"
_KNOWN = frozenset({"output", "choices", "data"})
"""What a good answer has one of; without them an ``error`` in it is all that it says."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer. ``request_id`` is that of its headers."""

    value: Mapping[str, Any]
    request_id: str | None = None


async def ask(step: Step, path: str, body: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Send what buys no picture; once more after a limit, a fault or a stale sign-in.

    :raises Ima2Error: as :func:`ima2_grok.errors.refused`; the step's own codes for its time limit and the network.
    """
    with _limited(step):
        async with asyncio.timeout(_seconds(step, context)):
            headers = await authorized(context)
            try:
                return (await _post(step, path, body, context, headers)).value
            except UpstreamError as error:
                headers = await _before_again(error, headers, context)
            return (await _post(step, path, body, context, headers)).value


async def buy(step: Step, path: str, body: Mapping[str, Any], context: Context, headers: Mapping[str, str]) -> Reply:
    """Send a paid request. Never twice. Raises like :func:`ask`."""
    with _limited(step):
        async with asyncio.timeout(_seconds(step, context)):
            return await _post(step, path, body, context, headers)


async def _before_again(error: UpstreamError, headers: Mapping[str, str], context: Context) -> dict[str, str]:
    """The headers for a second try, after waiting or renewing; ``error`` when that is of no use."""
    if not error.retryable:
        raise error
    if isinstance(error, AuthFailed):
        renewed = await authorized(context, force_refresh=True)
        if renewed == headers:
            raise error.but(retryable=False)
        return renewed
    wait = PAUSE if error.retry_after is None else error.retry_after
    if isinstance(error, UpstreamTimeout) or wait > PATIENCE:
        raise error
    await context.clock.sleep(wait)
    return dict(headers)


async def _post(step: Step, path: str, body: Mapping[str, Any], context: Context, headers: Mapping[str, str]) -> Reply:
    import httpx

    limit = _seconds(step, context)
    with _named(step), network_errors(step.name, "maybe" if step.buys else "no"):
        response = await context.client.post(
            f"{base_url(context)}/{path}",
            headers={**headers, "accept": "application/json", "content-type": "application/json"},
            content=json.dumps(body, ensure_ascii=False).encode(),
            timeout=httpx.Timeout(limit, connect=min(limit, CONNECT_SECONDS)),
        )
    return _checked(step, response)


def _checked(step: Step, response: httpx.Response) -> Reply:
    """A refusal may come with status 200, and a gateway may answer with a page."""
    said = response.headers
    request_id = said.get("x-request-id") or said.get("x-trace-id") or said.get("cf-ray")
    value = _object(response.content) if response.is_success else None
    if value is None or (value.get("error") and not _KNOWN & value.keys()):
        raise refused(
            step, response.status_code, response.content, retry_after=retry_after(said), request_id=request_id
        )
    return Reply(value, request_id)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _seconds(step: Step, context: Context) -> float:
    return float(context.settings[step.limit]) / 1000


@contextmanager
def _limited(step: Step) -> Iterator[None]:
    """The step's own time limit as its error."""
    try:
        yield
    except TimeoutError as error:
        raise UpstreamTimeout(
            f"xAI, {step.title}: no answer within the time limit.",
            code=step.timeout,
            step=step.name,
            paid="maybe" if step.buys else "no",
            retryable=not step.buys,
            hint=_MAYBE if step.buys else "run the command again",
        ) from error


@contextmanager
def _named(step: Step) -> Iterator[None]:
    """Network failures under the step's own codes."""
    try:
        yield
    except UpstreamTimeout as error:
        raise error.but(code=step.timeout) from error
    except UpstreamError as error:
        hint = _MAYBE if error.paid == "maybe" else "check the network"
        raise error.but(code=step.network, hint=error.hint or hint) from error
