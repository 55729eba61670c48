"""The local studio: ``serve``, ``open``, ``ping``."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ima2.cli.flags import json_flag
from ima2.cli.lazy import Command
from ima2.cli.terminal import fail, note, say, say_json, success
from ima2.errors import Ima2Error, NotFound, ServerUnreachable

if TYPE_CHECKING:
    from ima2.server.keys import Runtime


@click.command(cls=Command)
@click.option("--host", help="Address to bind; another one than loopback needs IMA2_LAN_TOKEN. [127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 is any. [3333]")
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
@json_flag
def serve(host: str | None, port: int | None, show: bool, as_json: bool) -> None:
    """Open the local studio, until Ctrl+C."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")

    def ready(runtime: Runtime) -> None:
        if as_json:
            say_json({"ok": True, "url": runtime.url, "port": runtime.port})
        else:
            success(f"The studio is open at {runtime.url}")
            note("Ctrl+C closes it; running jobs may end first.")
        if show:
            _open_page(runtime.url)

    asyncio.run(_serve(host, port, ready))


async def _serve(host: str | None, port: int | None, ready: Any) -> None:
    from ima2.server.serve import open_for_serving, serve
    from ima2.settings.core import HOST, PORT

    async with open_for_serving() as studio:
        address = host or str(studio.view.resolve(HOST).value)
        number = port if port is not None else int(studio.view.resolve(PORT).value)
        await serve(studio, host=address, port=number, ready=ready)


@click.command("open", cls=Command)
@click.argument("what", required=False)
@click.option("--server", metavar="URL", help="Open the page of this server.")
def open_(what: str | None, server: str | None) -> None:
    """Open the studio's page; or WHAT, a picture of the gallery, a file, a folder."""
    from ima2.cli.opening import open_path

    if what:
        open_path(_path(what))
        return
    _open_page(asyncio.run(_url(server)))


@click.command(cls=Command)
@click.option("--server", metavar="URL", help="Ask this one.")
@json_flag
def ping(server: str | None, as_json: bool) -> None:
    """Ask whether a server is running. Exit 3 when there is none."""
    began = time.perf_counter()
    try:
        url, health = asyncio.run(_health(server))
    except ServerUnreachable as error:
        if as_json:
            say_json({"ok": False, "error": error.message})
        fail(error.message, error.hint)
        raise click.exceptions.Exit(error.exit_code) from None
    if as_json:
        say_json({"ok": True, "base": url, **health})
    else:
        success(f"{url} answers in {(time.perf_counter() - began) * 1000:.0f} ms (ima2 {health.get('version')})")


def _path(what: str) -> Path:
    """A file here, else one of the gallery."""
    from ima2.settings.paths import Paths

    for path in (Path(what), Paths.from_env().generated / what):
        if path.exists():
            return path
    raise NotFound(f"There is no {what}, neither here nor in the gallery.", hint="ima2 ls")


def _open_page(url: str) -> None:
    from ima2.cli.opening import open_url

    say(url)
    try:
        open_url(url)
    except Ima2Error as error:
        note(error.message)


async def _url(server: str | None) -> str:
    url, _ = await _health(server)
    return url


async def _health(server: str | None) -> tuple[str, dict[str, Any]]:
    from ima2.cli.discovery import find_server

    found = await find_server(server)
    if found is None:
        raise ServerUnreachable("No server is running.", hint="ima2 serve")
    return found.url, dict(found.health)
