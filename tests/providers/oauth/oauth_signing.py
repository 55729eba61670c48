"""Signing in to the stand-in, and what lies on the disk then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ima2.errors import Ima2Error
from ima2.hookspecs import Clock, LoginMethod
from ima2_kit.context import KitContext, QuickClock, open_context
from providers.oauth.authority import ACCOUNT, DAYS, NOW, Authority, access, identity

from ima2_oauth import plugin

Work = Callable[[KitContext, Authority], Awaitable[Any]]


class StillClock(QuickClock):
    """A clock on which no wait ever ends."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


def own_file(folder: Path) -> Path:
    return folder / "credentials" / "oauth.json"


def codex_file(folder: Path) -> Path:
    return folder / "codex" / "auth.json"


def stored(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return value


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def record(*, left: float = -1.0, refresh: str | None = "refresh-0", **changes: Any) -> dict[str, Any]:
    """An ``auth.json`` whose access token has ``left`` seconds to live."""
    begin = NOW + left - DAYS
    tokens = {"id_token": identity(), "access_token": access(0, begin=begin), "account_id": ACCOUNT}
    if refresh:
        tokens["refresh_token"] = refresh
    value = {"auth_mode": "chatgpt", "OPENAI_API_KEY": None, "tokens": tokens, "last_refresh": iso(begin), **changes}
    return {name: each for name, each in value.items() if each is not ...}


def seed(path: Path, value: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Put a sign-in there."""
    written = dict(value) if value is not None else record(**changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written), encoding="utf-8")
    return written


@asynccontextmanager
async def signing(
    folder: Path, service: Authority, *, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[KitContext]:
    given = {
        "auth_url": service.url,
        "base_url": f"{service.url}/backend-api/codex",
        "codex_home": str(folder / "codex"),
        "login_ports": "0",
        "bridge_port": 0,
        **settings,
    }
    async with open_context(plugin.ima2_provider(), folder, settings=given, clock=clock) as context:
        yield context


def with_service(folder: Path, work: Work, service: Authority | None = None, **more: Any) -> Any:
    """Run ``work`` beside the stand-in."""

    async def go() -> Any:
        async with service or Authority() as running, signing(folder, running, **more) as context:
            return await work(context, running)

    return asyncio.run(go())


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
    return headers["Authorization"].removeprefix("Bearer ")
