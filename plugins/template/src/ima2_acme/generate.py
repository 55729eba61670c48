"""One paid call: the request, the picture, and every way it can fail."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import httpx
from ima2.errors import AuthFailed, NoImage, NotReady, Paid, RateLimited, Refused, UpstreamError, UpstreamTimeout
from ima2.models import Call, CallEvent, Media, Phase, Sending, Submitted, Usage

from ima2_acme.auth import find_key
from ima2_acme.plugin import LOGIN

if TYPE_CHECKING:
    from ima2.hookspecs import Context

TIMEOUT = httpx.Timeout(15.0, read=300.0)
"""Seconds; a picture may take minutes."""


async def generate(call: Call, context: Context) -> AsyncGenerator[CallEvent, None]:
    """Ask for one picture and leave it in the spool.

    ``call.parameters`` holds what the request asked for, in snake case, and the per-request settings.
    """
    key = find_key(context)
    if key is None:
        raise NotReady("No Acme API key is stored.", code="API_KEY_REQUIRED", hint=LOGIN, step="generate")
    yield Phase(name="generate")
    # ima2 has this on disk before the next line runs: after a crash it knows that money may have been spent.
    yield Sending()
    answer = await _post(call, context, key)
    yield Submitted(upstream_id=str(answer.get("id") or call.key))
    path = context.spool.new(f".{_format(call)}")
    await asyncio.to_thread(path.write_bytes, _picture(answer))
    yield Usage(cost_usd=answer.get("cost"))
    yield Media(path=path, revised_prompt=answer.get("prompt"), claimed={"size": answer.get("size")})


def _body(call: Call) -> dict[str, Any]:
    asked = call.parameters
    wanted = {name: asked.get(name) for name in ("size", "background", "seed", "mood")}
    given = {name: value for name, value in wanted.items() if value not in {None, "", "auto"}}
    return {"model": call.model, "prompt": call.prompt, "format": _format(call), **given}


def _format(call: Call) -> str:
    return str(call.parameters.get("format") or "png")


async def _post(call: Call, context: Context, key: str) -> dict[str, Any]:
    """Send once. A connection that could not be made cost nothing; one that broke may have."""
    url, headers = f"{context.settings['base_url']}/images", {"Authorization": f"Bearer {key}"}
    try:
        response = await context.client.post(url, json=_body(call), headers=headers, timeout=TIMEOUT)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise UpstreamError("Acme can't be reached.", code="NETWORK_FAILED", step="generate", retryable=True) from error
    except httpx.TimeoutException as error:
        raise UpstreamTimeout("Acme did not answer in time.", step="generate", paid="maybe") from error
    except httpx.HTTPError as error:
        text = "The connection to Acme broke before the answer."
        raise UpstreamError(text, code="NETWORK_FAILED", step="generate", paid="maybe") from error
    if response.is_error:
        raise _error(response)
    answer = _json(response)
    if not isinstance(answer, dict):
        raise NoImage("Acme's answer can't be read.", step="generate", paid="yes")
    return answer


def _error(response: httpx.Response) -> UpstreamError:
    """What the service says becomes an error that says what to do."""
    said = _json(response)
    code = said.get("code") if isinstance(said, dict) else None
    if response.status_code in {401, 403}:
        return AuthFailed("Acme refused the key.", hint=LOGIN, step="generate")
    if response.status_code == 429:
        wait = response.headers.get("retry-after", "")
        return RateLimited(
            "Acme has had enough for now.", step="generate", retry_after=float(wait) if wait.isdigit() else None
        )
    if code == "moderation":
        return Refused("Acme's moderation refused the prompt.", step="generate")
    details = {"upstreamStatus": response.status_code, "upstreamCode": code}
    # What a gateway says tells nothing about the picture behind it.
    paid: Paid = "maybe" if response.is_server_error else "no"
    return UpstreamError(f"Acme answered {response.status_code}.", step="generate", paid=paid, details=details)


def _picture(answer: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(answer["image"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise NoImage("Acme's answer holds no picture.", step="generate", paid="yes") from error


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
