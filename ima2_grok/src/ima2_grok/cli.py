"""``ima2 grok …``: the sign-in, and the bridge for other tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ima2.hookspecs import Context

OpenContext = Callable[[str], AbstractAsyncContextManager["Context"]]
_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 120}
json_flag = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")


@click.group(context_settings=_HELP, invoke_without_command=True)
@click.pass_context
def group(context: click.Context) -> None:
    """Sign in to Grok, and lend the sign-in to other tools."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@group.command(context_settings=_HELP)
@click.option("--device-code", "--device", "method", flag_value="device", default="device", help="By a code (default).")
@click.option("--browser", "method", flag_value="browser", help="With the browser of this machine.")
@click.option("--manual-paste", "--paste", "method", flag_value="paste", help="With any browser; paste its address.")
@click.option("--api-key", "method", flag_value="api_key", help="With an xAI key, typed hidden or piped in.")
@json_flag
@click.pass_context
def login(context: click.Context, method: str, as_json: bool) -> None:
    """Sign in. The code works everywhere: type it in any browser, on any machine."""
    _run(context, "login", "grok", "--method", method, *_json(as_json))


@group.command(context_settings=_HELP)
@json_flag
@click.pass_context
def logout(context: click.Context, as_json: bool) -> None:
    """Forget the sign-in, for all tools that share it."""
    _run(context, "logout", "grok", *_json(as_json))


@group.command(context_settings=_HELP)
@json_flag
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Tell who is signed in. Exit 4 when nobody is."""
    _run(context, "status", "grok", *_json(as_json))


@group.command(context_settings=_HELP)
@json_flag
@click.pass_context
def models(context: click.Context, as_json: bool) -> None:
    """Ask xAI for the models of this account."""
    _run(context, "models", "--provider", "grok", "--refresh", *_json(as_json))


@group.command(context_settings=_HELP)
@click.option("--host", help="Loopback address. [127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 is any. [18645]")
@json_flag
@click.pass_obj
def proxy(open_context: OpenContext, host: str | None, port: int | None, as_json: bool) -> None:
    """Lend the sign-in to other programs of this machine, until Ctrl+C.

    They use http://127.0.0.1:18645/v1 as base address, with any key.
    """
    asyncio.run(_proxy(open_context, host, port, as_json=as_json))


async def _proxy(open_context: OpenContext, host: str | None, port: int | None, *, as_json: bool) -> None:
    from ima2.upstream.bridge.foreground import run

    from ima2_grok.bridge import spec
    from ima2_grok.session import authorized

    async with open_context("grok") as context:
        await authorized(context)
        await run(spec(context, host=host, port=port), context.client, as_json=as_json)


def _run(context: click.Context, *line: str) -> None:
    """What ima2's own command of that name does for this provider."""
    root = context.find_root()
    arguments: dict[str, Any] = {"prog_name": root.info_name, "standalone_mode": False, "obj": root.obj}
    context.exit(int(root.command.main(list(line), **arguments) or 0))


def _json(as_json: bool) -> list[str]:
    return ["--json"] if as_json else []
