"""The plugins' listeners: started with the server, stopped with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from ima2.hookspecs import ProviderInfo, Service
from ima2.kernel.plugins.collect import collect
from ima2.kernel.studio import Studio

START_SECONDS = 10.0
log = logging.getLogger("ima2.server")


async def start_services(studio: Studio, stack: AsyncExitStack) -> dict[str, Mapping[str, Any]]:
    """Start each; what it says of itself, by its name. One that fails or hangs is logged, and missing.

    ``stack`` stops them.
    """
    started: dict[str, Mapping[str, Any]] = {}
    for plugin, service in collect(studio.host, "ima2_services"):
        info = next((each for each in studio.host.providers if each.id == plugin), None)
        try:
            async with asyncio.timeout(START_SECONDS):
                said = await _start(studio, info, service, stack)
        except Exception as error:
            log.warning("plugin %s: its service %s did not start: %s", plugin, service.name, type(error).__name__)
        else:
            started[service.name] = dict(said) if isinstance(said, Mapping) else {}
    return started


async def _start(studio: Studio, info: ProviderInfo | None, service: Service, stack: AsyncExitStack) -> object:
    context = await stack.enter_async_context(studio.contexts.outside_job(info)) if info else None
    return await stack.enter_async_context(_Guarded(service.name, service.start(context)))


class _Guarded:
    """An async context manager whose end can't harm the others."""

    def __init__(self, name: str, inner: Any) -> None:
        self._name = name
        self._inner = inner

    async def __aenter__(self) -> object:
        return await self._inner.__aenter__()

    async def __aexit__(self, *_: object) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._inner.__aexit__(None, None, None)
        except Exception as error:
            log.warning("service %s did not stop cleanly: %s", self._name, type(error).__name__)
