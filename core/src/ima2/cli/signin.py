"""``login``, ``logout``, ``status``: any provider's sign-in, driven by what it asks for."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, get_args

import click

from ima2.cli.flags import complete_provider, json_flag
from ima2.cli.lazy import Command
from ima2.cli.opening import open_url
from ima2.cli.terminal import is_terminal, note, say_json, success, table
from ima2.errors import Ima2Error, InvalidRequest, NotReady, Unsupported
from ima2.hookspecs import Ask, LoginEvent, LoginMethod, LoginSession, OpenUrl, ShowCode, SignedIn

if TYPE_CHECKING:
    from ima2.hookspecs import Auth

METHODS: tuple[LoginMethod, ...] = get_args(LoginMethod)


@click.command(cls=Command)
@click.argument("provider", shell_complete=complete_provider)
@click.option("--method", type=click.Choice(METHODS), help="How; else the provider's first way that fits.")
@click.option("--browser", "method", flag_value="browser", help="--method browser")
@click.option("--device", "method", flag_value="device", help="--method device")
@click.option("--paste", "method", flag_value="paste", help="--method paste")
@click.option("--api-key", "method", flag_value="api_key", help="--method api_key: paste a key, or pipe it in.")
@json_flag
def login(provider: str, method: LoginMethod | None, as_json: bool) -> None:
    """Sign in to a provider.

    Secrets are typed hidden or read from stdin, never from the command line.
    """
    signed_in = asyncio.run(_login(provider, method))
    facts = {"provider": provider, "account": signed_in.account, "plan": signed_in.plan}
    if as_json:
        say_json({"ok": True, **facts})
    else:
        success(
            " · ".join(str(each) for each in (f"signed in to {provider}", signed_in.account, signed_in.plan) if each)
        )


@click.command(cls=Command)
@click.argument("provider", shell_complete=complete_provider)
@json_flag
def logout(provider: str, as_json: bool) -> None:
    """Forget a provider's sign-in."""

    async def forget() -> None:
        async with _auth(provider) as auth:
            await auth.logout()

    asyncio.run(forget())
    say_json({"ok": True, "provider": provider}) if as_json else success(f"signed out of {provider}")


@click.command(cls=Command)
@click.argument("provider", required=False, shell_complete=complete_provider)
@json_flag
def status(provider: str | None, as_json: bool) -> None:
    """Tell who is signed in where. Exit 4 when the provider named is not ready."""
    states = asyncio.run(_states(provider))
    if as_json:
        say_json({"ok": True, "providers": states})
    else:
        table([_line(state) for state in states])
    if provider and not states[0]["ready"]:
        raise click.exceptions.Exit(NotReady("").exit_code)


async def _login(provider: str, method: LoginMethod | None) -> SignedIn:
    async with _auth(provider) as auth:
        session = auth.login(_method(provider, auth, method))
        try:
            async for event in session:
                if isinstance(event, SignedIn):
                    return event
                await _show(event, session)
        finally:
            await session.aclose()
    raise Ima2Error(f"The sign-in to {provider} ended without a result.", code="LOGIN_INCOMPLETE")


def _method(provider: str, auth: Auth, wanted: LoginMethod | None) -> LoginMethod:
    """Without a terminal nobody can be asked, so a key from stdin is the one way that is left."""
    if wanted and wanted not in auth.methods:
        raise Unsupported(
            f"{provider} has no sign-in by {wanted}; it has {', '.join(auth.methods)}.", code="METHOD_UNSUPPORTED"
        )
    if wanted is None and "api_key" in auth.methods and not is_terminal(sys.stdin):
        return "api_key"
    return wanted or auth.methods[0]


async def _show(event: LoginEvent, session: LoginSession) -> None:
    match event:
        case OpenUrl(url):
            note(f"Open {url}")
            if is_terminal(sys.stderr) and not os.environ.get("SSH_CONNECTION"):
                _try_to_open(url)
        case ShowCode(code, url):
            note(f"Type {code} at {url}")
        case Ask(question, secret):
            await session.answer(await asyncio.to_thread(_read_line, question, secret))


def _try_to_open(url: str) -> None:
    try:
        open_url(url)
    except Ima2Error:
        return  # the address is on the screen


def _read_line(question: str, secret: bool) -> str:
    if not is_terminal(sys.stdin):
        line = sys.stdin.readline().strip()
        if not line:
            raise InvalidRequest(f"{question}: nothing came on stdin.", code="INVALID_FIELD")
        return line
    answer: str = click.prompt(question, hide_input=secret, err=True)
    return answer.strip()


async def _states(provider: str | None) -> list[dict[str, object]]:
    from ima2.kernel.studio import open_studio
    from ima2.server.routes.providers import state_facts

    async with open_studio() as studio:
        if provider:
            studio.host.provider(provider)
        states = [state for state in await studio.providers() if provider in (None, state.info.id)]
        return [{"provider": state.info.id, "title": state.info.title, **state_facts(state)} for state in states]


@asynccontextmanager
async def _auth(provider: str) -> AsyncIterator[Auth]:
    from ima2.kernel.studio import open_studio

    async with open_studio() as studio:
        info = studio.host.provider(provider)
        async with studio.contexts.outside_job(info) as context:
            auth = await studio.dispatcher.auth(provider, context)
            if auth is None:
                raise Unsupported(f"{info.title} needs no sign-in.", code="NO_SIGN_IN")
            yield auth


def _line(state: dict[str, object]) -> tuple[str, ...]:
    parts = [state[name] for name in ("account", "plan", "why", "hint") if state.get(name)]
    return (str(state["provider"]), "ready" if state["ready"] else "not ready", " · ".join(map(str, parts)))
