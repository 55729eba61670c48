"""A real Chromium, and the web server of an attacker."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from browser.chromium import find
from ima2.server.listen import bind
from playwright.async_api import BrowserContext, Page, async_playwright

NAMES = ("evil.test", "rebind.test")
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
)


@asynccontextmanager
async def browsing() -> AsyncIterator[BrowserContext]:
    """A fresh profile; the attacker's names lead to this machine, as a rebinding name server would have it."""
    executable = find()
    if executable is None:
        pytest.fail("The browser tests need a Chromium: `make chromium` installs one.")
    rules = ", ".join(f"MAP {name} 127.0.0.1" for name in NAMES)
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    arguments = [f"--host-resolver-rules={rules}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", *QUIET, *root]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            yield await browser.new_context()
        finally:
            await browser.close()


@asynccontextmanager
async def attacker(pages: dict[str, str]) -> AsyncIterator[int]:
    """A stranger's web server; its port."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=pages.get(request.path, "nothing"), content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    listener = bind("127.0.0.1", 0)
    try:
        await web.SockSite(runner, listener).start()
        yield listener.getsockname()[1]
    finally:
        await runner.cleanup()
        listener.close()


async def watched(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page, and what scripts in it did: dialogs and uncaught errors."""
    page, seen = await context.new_page(), list[str]()

    async def dialog(opened: Any) -> None:
        seen.append(f"dialog {opened.message}")
        await opened.dismiss()

    page.on("dialog", dialog)
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    return page, seen


async def eventually(what: Callable[[], Awaitable[bool]]) -> bool:
    """Whether it becomes true within some seconds."""
    for _ in range(60):
        if await what():
            return True
        await asyncio.sleep(0.05)
    return False
