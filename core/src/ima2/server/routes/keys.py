"""API keys: which there are, keeping one, forgetting one. The provider's own sign-in does the work."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ima2.errors import Ima2Error, InvalidRequest
from ima2.hookspecs import Ask, Auth, LoginSession, ProviderInfo, SignedIn
from ima2.kernel.studio import Studio
from ima2.server import schemas
from ima2.server.body import read_object
from ima2.server.endpoint import endpoint
from ima2.server.keys import POLICY, STUDIO

MAX_KEY = 512
"""Characters."""


@endpoint("GET", "/api/keys/status", family="ok")
async def status(request: web.Request) -> web.Response:
    """Say which keys are there, by the names existing clients use; a key itself is never shown."""
    studio = request.app[STUDIO]
    keyed = [info for info in studio.host.providers if await _takes_key(studio, info)]
    return web.json_response({info.key_alias or info.id: await _facts(studio, info) for info in keyed})


@endpoint("PUT", "/api/keys/{provider}", family="ok", body=schemas.KeyBody)
async def put(request: web.Request) -> web.Response:
    """Check a key with its service and keep it."""
    studio = request.app[STUDIO]
    info = await _named(request)
    key = _key(await read_object(request, request.app[POLICY]))
    async with studio.contexts.outside_job(info) as context:
        auth = await _auth(studio, info, context)
        await _sign_in(auth.login("api_key"), key)
    return web.json_response(
        {"ok": True, "provider": request.match_info["provider"], "source": "config", "valid": True}
    )


@endpoint("DELETE", "/api/keys/{provider}", family="ok")
async def delete(request: web.Request) -> web.Response:
    """Forget a kept key. One from the environment can only be removed there."""
    studio = request.app[STUDIO]
    info = await _named(request)
    if (await studio.resolver.status(info)).source == "env":
        raise InvalidRequest(
            "The key comes from the environment of this server; remove it there.", code="ENV_KEY_IMMUTABLE"
        )
    async with studio.contexts.outside_job(info) as context:
        await (await _auth(studio, info, context)).logout()
    return web.json_response({"ok": True, "provider": request.match_info["provider"], "removed": True})


async def _facts(studio: Studio, info: ProviderInfo) -> dict[str, Any]:
    found = await studio.resolver.status(info)
    return {
        "configured": found.ready,
        "source": found.source or ("config" if found.ready else "none"),
        "valid": found.ready,
        "maskedKey": found.account if found.ready else None,
    }


async def _named(request: web.Request) -> ProviderInfo:
    """The provider that is meant by id or by alias, if it takes keys."""
    name, studio = request.match_info["provider"], request.app[STUDIO]
    for info in studio.host.providers:
        if name in (info.id, info.key_alias) and await _takes_key(studio, info):
            return info
    raise InvalidRequest(f"{name[:40]!r} is no installed provider that takes a key.", code="INVALID_PROVIDER")


async def _takes_key(studio: Studio, info: ProviderInfo) -> bool:
    async with studio.contexts.outside_job(info) as context:
        auth = await studio.dispatcher.auth(info.id, context)
    return auth is not None and "api_key" in auth.methods


async def _auth(studio: Studio, info: ProviderInfo, context: Any) -> Auth:
    auth = await studio.dispatcher.auth(info.id, context)
    if auth is None:
        raise InvalidRequest(f"{info.title} takes no key.", code="INVALID_PROVIDER")
    return auth


def _key(body: dict[str, Any]) -> str:
    key = body.get("apiKey")
    if not isinstance(key, str) or not key.strip():
        raise InvalidRequest("apiKey is missing.", code="MISSING_KEY", field="apiKey")
    if len(key) > MAX_KEY:
        raise InvalidRequest(f"A key has at most {MAX_KEY} characters.", code="KEY_TOO_LARGE", field="apiKey")
    if not (key.strip().isascii() and key.strip().isprintable()):
        raise InvalidRequest("A key is plain ASCII text.", code="INVALID_KEY_FORMAT", field="apiKey")
    return key.strip()


async def _sign_in(session: LoginSession, key: str) -> None:
    """Answer the one question of the provider's own sign-in."""
    answered = False
    try:
        async for event in session:
            if isinstance(event, SignedIn):
                return
            if not isinstance(event, Ask) or answered:
                break
            answered = True
            await session.answer(key)
    except Ima2Error as error:
        known = {"INVALID_KEY_FORMAT", "KEY_TOO_LARGE", "MISSING_KEY"}
        code = error.code if error.code in known else "KEY_VALIDATION_FAILED"
        raise InvalidRequest(error.message, code=code, field="apiKey", hint=error.hint) from None
    finally:
        await session.aclose()
    raise InvalidRequest("The sign-in asked for more than a key.", code="KEY_VALIDATION_FAILED", field="apiKey")
