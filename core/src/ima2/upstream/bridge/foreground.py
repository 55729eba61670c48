"""A bridge that runs in a terminal until it is stopped."""

from __future__ import annotations

import asyncio
import json
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from ima2.upstream.bridge.listener import Bridge

if TYPE_CHECKING:
    import httpx

    from ima2.upstream.bridge.spec import BridgeSpec


async def run(spec: BridgeSpec, client: httpx.AsyncClient, *, as_json: bool) -> None:
    """Open the bridge, say where it is (JSON: ``url``, ``port``, ``moved``), wait for SIGINT or SIGTERM."""
    async with Bridge(spec, client) as bridge:
        _say(bridge, as_json=as_json)
        await _stopped()


def _say(bridge: Bridge, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"ok": True, "url": bridge.url, "port": bridge.port, "moved": bridge.moved}))
    else:
        click.echo(f"Listening:    {bridge.url}{bridge.spec.prefix}")
    if bridge.moved:
        click.echo(f"Port {bridge.spec.port} is taken by another program; this is another one.", err=True)
    click.echo("Any key will do. Ctrl+C stops it.", err=True)


async def _stopped() -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: Ctrl+C cancels the wait
            loop.add_signal_handler(each, stop.set)
    await stop.wait()
