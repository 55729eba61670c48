"""Signing in to a stand-in, and what lies on the disk then."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ima2.errors import Ima2Error
from ima2.hookspecs import Clock, LoginMethod
from ima2_kit.context import KitContext, QuickClock, open_context
from xai_auth import AuthService, jwt

from ima2_grok import plugin

NOW = QuickClock().now()
OLD = jwt(tier=1, n=0)


def auth_file(folder: Path) -> Path:
    return folder / ".progrok" / "auth.json"


def stored(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(auth_file(folder).read_text("utf-8"))
    return value


def seed(folder: Path, *, left: float | None = -1, **changes: Any) -> dict[str, Any]:
    """A sign-in whose token has ``left`` seconds to live; a value of None leaves the field out."""
    ends = None if left is None else round((NOW + left) * 1000)
    record = {"accessToken": OLD, "refreshToken": "refresh-0", "expiresAt": ends, "email": "ann@example.com", **changes}
    record = {name: value for name, value in record.items() if value is not None}
    auth_file(folder).parent.mkdir(parents=True, exist_ok=True)
    auth_file(folder).write_text(json.dumps(record), encoding="utf-8")
    return record


@asynccontextmanager
async def signing(
    folder: Path, service: AuthService, *, clock: Clock | None = None, credentials: Any = None, **settings: Any
) -> AsyncIterator[KitContext]:
    given = {"home": str(folder), "auth_url": service.url, **settings}
    async with open_context(
        plugin.ima2_provider(), folder, settings=given, clock=clock, credentials=credentials
    ) as context:
        yield context


async def signed_in(
    context: KitContext, method: LoginMethod, react: Callable[[Any, Any], Awaitable[None]] | None = None
) -> list[Any]:
    """The events of a sign-in; an error is the last of them."""
    seen: list[Any] = []
    session = plugin.ima2_auth(context).login(method)
    try:
        async for event in session:
            seen.append(event)
            if react:
                await react(event, session)
    except Ima2Error as error:
        seen.append(error)
    finally:
        await session.aclose()
    return seen


def bearer(headers: Mapping[str, str]) -> str:
    return headers["authorization"].removeprefix("Bearer ")
