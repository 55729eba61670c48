"""``ima2 oauth …``: the sign-in, what is left of the plan, and the bridge for other tools."""

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


@click.group(context_settings=_HELP)
def group() -> None:
    """Sign in with ChatGPT, see what is left of the plan, and lend the sign-in to other tools.

    This is an unofficial use of a personal plan: it may stop any day.
    """


@group.command(context_settings=_HELP)
@click.option("--browser", "method", flag_value="browser", default="browser", help="With the browser here (default).")
@click.option("--device-code", "--device", "method", flag_value="device", help="By a code, typed in any browser.")
@click.option("--manual-paste", "--paste", "method", flag_value="paste", help="With any browser; paste its address.")
@json_flag
@click.pass_context
def login(context: click.Context, method: str, as_json: bool) -> None:
    """Sign in with the ChatGPT plan you have."""
    _run(context, "login", "oauth", "--method", method, *_json(as_json))


@group.command(context_settings=_HELP)
@json_flag
@click.pass_context
def logout(context: click.Context, as_json: bool) -> None:
    """Forget ima2's own sign-in. Codex's is never touched."""
    _run(context, "logout", "oauth", *_json(as_json))


@group.command(context_settings=_HELP)
@json_flag
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Tell who is signed in, with which plan, until when. Exit 4 when nobody is."""
    _run(context, "status", "oauth", *_json(as_json))


@group.command(context_settings=_HELP)
@json_flag
@click.pass_context
def quota(context: click.Context, as_json: bool) -> None:
    """Tell how much of the plan is used, and when it begins anew."""
    _run(context, "quota", "oauth", *_json(as_json))


@group.command(context_settings=_HELP)
@click.option("--port", type=click.IntRange(0, 65535), help="Port of 127.0.0.1; 0 is any. [10531]")
@json_flag
@click.pass_obj
def proxy(open_context: OpenContext, port: int | None, as_json: bool) -> None:
    """Lend the sign-in to other programs of this machine, until Ctrl+C.

    They use http://127.0.0.1:10531/v1 as base address, with any key.
    """
    asyncio.run(_proxy(open_context, port, as_json=as_json))


async def _proxy(open_context: OpenContext, port: int | None, *, as_json: bool) -> None:
    from ima2.upstream.bridge.foreground import run

    from ima2_oauth.bridge import spec
    from ima2_oauth.session import authorized

    async with open_context("oauth") as context:
        await authorized(context)
        await run(spec(context, port=port), context.client, as_json=as_json)


def _run(context: click.Context, *line: str) -> None:
    """What ima2's own command of that name does for this provider."""
    root = context.find_root()
    arguments: dict[str, Any] = {"prog_name": root.info_name, "standalone_mode": False, "obj": root.obj}
    context.exit(int(root.command.main(list(line), **arguments) or 0))


def _json(as_json: bool) -> list[str]:
    return ["--json"] if as_json else []
